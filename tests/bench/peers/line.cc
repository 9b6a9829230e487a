#include "bench/peers/line.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace clinicdb::bench {

namespace {

using SteadyClock = std::chrono::steady_clock;

struct Span {
  SteadyClock::time_point from;
  SteadyClock::time_point until;
};

SteadyClock::duration seconds_of(double seconds) {
  return std::chrono::duration_cast<SteadyClock::duration>(std::chrono::duration<double>(seconds));
}

/// One thread's lines.
class LoadThread {
 public:
  LoadThread(const LoadOptions& options, const Span& span, Seen& seen)
      : depth_(static_cast<std::uint32_t>(options.depth)),
        span_(span),
        seen_(seen),
        events_(epoll_create1(EPOLL_CLOEXEC)) {}
  ~LoadThread() { ::close(events_); }
  LoadThread(const LoadThread&) = delete;
  LoadThread& operator=(const LoadThread&) = delete;

  void take(std::unique_ptr<Line> line, CallStream stream) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = lines_.size();
    epoll_ctl(events_, EPOLL_CTL_ADD, line->descriptor(), &event);
    lines_.push_back(
        {std::move(line), std::move(stream), std::vector<SteadyClock::time_point>(depth_)});
  }

  Status run() {
    for (Driven& driven : lines_) {
      for (std::uint32_t slot = 0; slot < depth_; ++slot) RETURN_IF_ERROR(begin(driven, slot));
      RETURN_IF_ERROR(driven.line->flush());
      while (driven.line->ready() && driven.in_flight > 0) RETURN_IF_ERROR(take_answers(driven));
    }
    std::vector<epoll_event> ready(lines_.size());
    while (in_flight_ > 0) {
      const int count = epoll_wait(events_, ready.data(), static_cast<int>(ready.size()), 10'000);
      if (count <= 0) return deadline_exceeded("the server does not answer");
      for (int i = 0; i < count; ++i) {
        Driven& driven = lines_[ready[static_cast<std::size_t>(i)].data.u64];
        do RETURN_IF_ERROR(take_answers(driven));
        while (driven.line->ready() && driven.in_flight > 0);
      }
    }
    return Status();
  }

 private:
  struct Driven {
    std::unique_ptr<Line> line;
    CallStream stream;
    std::vector<SteadyClock::time_point> began;  // by slot
    std::uint32_t in_flight = 0;
  };

  Status begin(Driven& driven, std::uint32_t slot) {
    ++in_flight_;
    ++driven.in_flight;
    const Call call = driven.stream.next();
    driven.began[slot] = SteadyClock::now();
    return driven.line->add(slot, call);
  }
  Status take_answers(Driven& driven) {
    Status added;
    const auto answered = [&](std::uint32_t slot, const Status& status) {
      --in_flight_;
      --driven.in_flight;
      if (!status.ok()) seen_.error(status);
      const SteadyClock::time_point now = SteadyClock::now();
      if (now >= span_.from && now < span_.until) {
        seen_.latencies_us.push_back(
            std::chrono::duration<float, std::micro>(now - driven.began[slot]).count());
      }
      if (now < span_.until && added.ok()) added = begin(driven, slot);
    };
    RETURN_IF_ERROR(driven.line->receive(answered));
    RETURN_IF_ERROR(added);
    return driven.line->flush();
  }

  const std::uint32_t depth_;
  const Span span_;
  Seen& seen_;
  const int events_;
  std::vector<Driven> lines_;
  std::size_t in_flight_ = 0;
};

double quantile(const std::vector<float>& sorted, double part) {
  if (sorted.empty()) return 0;
  const auto at = static_cast<std::size_t>(part * static_cast<double>(sorted.size()));
  return sorted[std::min(sorted.size() - 1, at)];
}

}  // namespace

Result<Figures> figures_of(std::vector<Seen>& parts, double seconds, const Bookings& bookings) {
  Figures figures;
  std::vector<float> latencies;
  for (Seen& part : parts) {
    if (!part.failure.ok()) return std::move(part.failure);
    figures.errors += part.errors;
    if (figures.first_error.empty() && part.errors > 0)
      figures.first_error = part.first_error.to_string();
    latencies.insert(latencies.end(), part.latencies_us.begin(), part.latencies_us.end());
  }
  std::sort(latencies.begin(), latencies.end());
  figures.per_second = static_cast<double>(latencies.size()) / seconds;
  figures.p50_us = quantile(latencies, 0.50);
  figures.p95_us = quantile(latencies, 0.95);
  figures.p99_us = quantile(latencies, 0.99);
  figures.next_booking = bookings.next();
  return figures;
}

Result<Figures> run_lines(const LoadOptions& options, const Clinics& clinics,
                          std::optional<Operation> operation, const OpenLine& open,
                          const TenantOf& tenant_of) {
  Bookings bookings(clinics, options.first_booking);
  const auto thread_count =
      static_cast<std::size_t>(std::min(options.threads, options.connections));
  // Opened before the time runs.
  std::vector<std::vector<std::unique_ptr<Line>>> lines(thread_count);
  for (int i = 0; i < options.connections; ++i) {
    ASSIGN_OR_RETURN(std::unique_ptr<Line> line, open(i));
    lines[static_cast<std::size_t>(i) % thread_count].push_back(std::move(line));
  }
  std::vector<Seen> parts(thread_count);
  std::vector<std::thread> threads;
  Span span;
  span.from = SteadyClock::now() + seconds_of(options.warm_seconds);
  span.until = span.from + seconds_of(options.seconds);
  for (std::size_t t = 0; t < thread_count; ++t) {
    threads.emplace_back([&, t] {
      LoadThread thread(options, span, parts[t]);
      for (std::size_t i = 0; i < lines[t].size(); ++i) {
        const auto index = static_cast<int>(t + i * thread_count);
        thread.take(std::move(lines[t][i]),
                    CallStream(clinics, bookings, operation, tenant_of(index),
                               static_cast<std::uint64_t>(index) + 77));
      }
      parts[t].failure = thread.run();
    });
  }
  for (std::thread& thread : threads) thread.join();
  return figures_of(parts, options.seconds, bookings);
}

}  // namespace clinicdb::bench
