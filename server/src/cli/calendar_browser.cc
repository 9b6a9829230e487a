#include "cli/calendar_browser.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <string>

namespace clinicdb::server {

namespace {

std::atomic<int> ending_signal{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler sets it");

extern "C" void on_ending_signal(int number) {
  ending_signal.store(number, std::memory_order_relaxed);
}
extern "C" void on_resize(int) {}

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
// for a key and are otherwise held back; all of it undone in the end.
class RawScreen {
 public:
  RawScreen() {
    sigset_t held;
    sigemptyset(&held);
    const auto handle = [&](int number, void (*handler)(int), struct sigaction& old) {
      struct sigaction action {};
      action.sa_handler = handler;
      sigaction(number, &action, &old);
      sigaddset(&held, number);
    };
    ending_signal.store(0);
    for (std::size_t i = 0; i < kEnding.size(); ++i) handle(kEnding[i], &on_ending_signal, old_[i]);
    handle(SIGWINCH, &on_resize, old_.back());
    // Held back but while waiting, so that none comes between looking for it and waiting.
    pthread_sigmask(SIG_BLOCK, &held, &mask_);
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
    if (is_raw_) {
      write_all("\x1b[?25h\x1b[?1049l").ignore("the terminal may be gone");
      tcsetattr(STDIN_FILENO, TCSAFLUSH, &modes_);
    }
    for (std::size_t i = 0; i < kEnding.size(); ++i) sigaction(kEnding[i], &old_[i], nullptr);
    sigaction(SIGWINCH, &old_.back(), nullptr);
    pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
  }
  RawScreen(const RawScreen&) = delete;
  RawScreen& operator=(const RawScreen&) = delete;

  bool is_raw() const { return is_raw_; }

  /// Keys as bytes; empty after a change of size. kCancelled after a signal that ends, after Ctrl-C
  /// and when the terminal is gone.
  Result<std::string> wait() {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    const int ready = ppoll(&input, 1, nullptr, &mask_);
    if (ending_signal.load() != 0) return cancelled("interrupted");
    if (ready < 0 && errno == EINTR) return std::string();
    if (ready < 0) return status_from_errno(errno, "read from", "the terminal");
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
  sigset_t mask_{};
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
