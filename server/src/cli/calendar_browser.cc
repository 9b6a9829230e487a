#include "cli/calendar_browser.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <string>

namespace clinicdb::server {

namespace {

std::atomic<int> ending_signal{0};
/// Wakes the wait for a key: a signal may come to any thread, and the store has some of its own.
std::atomic<int> wake_descriptor{-1};
static_assert(std::atomic<int>::is_always_lock_free, "signal handlers use them");

extern "C" void on_resize(int) {
  const int before = errno;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_descriptor.load(), &one, sizeof one);
  errno = before;
}
extern "C" void on_ending_signal(int number) {
  ending_signal.store(number, std::memory_order_relaxed);
  on_resize(number);
}

constexpr std::array<int, 4> kEnding{SIGINT, SIGTERM, SIGHUP, SIGQUIT};

Status write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t done = ::write(STDOUT_FILENO, text.data(), text.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return status_from_errno(errno, "write to", "the terminal");
    text.remove_prefix(static_cast<std::size_t>(done));
  }
  return {};
}

// The terminal without echo and line editing, on its other screen, and signals that wake the wait
// for a key; all of it undone in the end.
class RawScreen {
 public:
  RawScreen() {
    wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake_ < 0) return;
    wake_descriptor.store(wake_);
    const auto handle = [&](int number, void (*handler)(int), struct sigaction& old) {
      struct sigaction action {};
      action.sa_handler = handler;
      sigaction(number, &action, &old);
    };
    ending_signal.store(0);
    for (std::size_t i = 0; i < kEnding.size(); ++i) handle(kEnding[i], &on_ending_signal, old_[i]);
    handle(SIGWINCH, &on_resize, old_.back());
    is_raw_ = tcgetattr(STDIN_FILENO, &modes_) == 0;
    if (!is_raw_) return;
    termios raw = modes_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG);
    raw.c_iflag &= ~static_cast<tcflag_t>(IXON | ICRNL);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    is_raw_ = tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw) == 0;
    if (is_raw_) write_all("\x1b[?1049h\x1b[?25l").ignore("the first frame says it");
  }
  ~RawScreen() {
    if (wake_ < 0) return;
    if (is_raw_) {
      write_all("\x1b[?25h\x1b[?1049l").ignore("the terminal may be gone");
      tcsetattr(STDIN_FILENO, TCSAFLUSH, &modes_);
    }
    for (std::size_t i = 0; i < kEnding.size(); ++i) sigaction(kEnding[i], &old_[i], nullptr);
    sigaction(SIGWINCH, &old_.back(), nullptr);
    wake_descriptor.store(-1);
    ::close(wake_);
  }
  RawScreen(const RawScreen&) = delete;
  RawScreen& operator=(const RawScreen&) = delete;

  bool is_raw() const { return is_raw_; }

  /// Keys as bytes; empty after a change of size. kCancelled after a signal that ends, after Ctrl-C
  /// and when the terminal is gone.
  Result<std::string> wait() {
    std::array<pollfd, 2> inputs{pollfd{STDIN_FILENO, POLLIN, 0}, pollfd{wake_, POLLIN, 0}};
    const int ready = poll(inputs.data(), inputs.size(), -1);
    if (ending_signal.load() != 0) return cancelled("interrupted");
    if (ready < 0 && errno != EINTR) return status_from_errno(errno, "read from", "the terminal");
    if (inputs[1].revents != 0) {
      std::uint64_t woken = 0;
      [[maybe_unused]] const ssize_t taken = ::read(wake_, &woken, sizeof woken);
    }
    if (ready < 0 || inputs[0].revents == 0) return std::string();
    std::array<char, 64> bytes{};
    const ssize_t size = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    constexpr char kControlC = 3;
    if (size <= 0) return cancelled("the terminal was closed");
    std::string text(bytes.data(), static_cast<std::size_t>(size));
    if (text.find(kControlC) != std::string::npos) return cancelled("interrupted");
    return text;
  }

  static ScreenSize size() {
    winsize size{};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return {};
    return {size.ws_col, size.ws_row};
  }

 private:
  bool is_raw_ = false;
  termios modes_{};
  int wake_ = -1;
  std::array<struct sigaction, kEnding.size() + 1> old_{};
};

Status show(const std::vector<std::string>& lines) {
  std::string frame = "\x1b[H";
  for (std::size_t i = 0; i < lines.size(); ++i)
    frame += (i == 0 ? "" : "\r\n") + lines[i] + "\x1b[K";
  return write_all(frame + "\x1b[J");
}

}  // namespace

Status browse_calendar(CalendarView view, bool colour, ReadCalendar read) {
  RawScreen screen;
  if (!screen.is_raw()) return failed_precondition("the terminal cannot be read key by key");
  ASSIGN_OR_RETURN(auto calendar, read(view.request()));
  for (;;) {
    RETURN_IF_ERROR(show(view.draw(*calendar, RawScreen::size(), colour)));
    ASSIGN_OR_RETURN(const std::string bytes, screen.wait());
    bool other = false;
    for (std::string_view rest = bytes; !rest.empty();) {
      const CalendarKey key = take_calendar_key(rest);
      if (key == CalendarKey::kQuit) return {};
      other = view.press(key) || other;
    }
    if (other) {
      ASSIGN_OR_RETURN(calendar, read(view.request()));
    }
  }
}

}  // namespace clinicdb::server
