#include "net/fibers.h"

#include <sys/mman.h>

#include <boost/context/fiber.hpp>
#include <boost/context/preallocated.hpp>
#include <new>
#include <utility>
#include <vector>

#include "clinicdb/base/check.h"
#include "clinicdb/engine/caller.h"
#include "clinicdb/engine/writer_work.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace clinicdb::server {

namespace {

#if defined(__SANITIZE_ADDRESS__)
// Instrumented frames are several times larger.
constexpr std::size_t kStackBytes = std::size_t{1} << 20;
#else
// Of which only what is touched is memory.
constexpr std::size_t kStackBytes = std::size_t{256} << 10;
#endif
constexpr std::size_t kGuardBytes = 4096;
constexpr std::size_t kSparesMax = 256;

/// The address sanitizer is told of every change of stacks; otherwise nothing.
struct StackSwitch {
#if defined(__SANITIZE_ADDRESS__)
  static void leave(void** own_fake, const void* bottom, std::size_t size) {
    __sanitizer_start_switch_fiber(own_fake, bottom, size);
  }
  static void arrive(void* own_fake, const void** from_bottom, std::size_t* from_size) {
    __sanitizer_finish_switch_fiber(own_fake, from_bottom, from_size);
  }
#else
  static void leave(void**, const void*, std::size_t) {}
  static void arrive(void*, const void**, std::size_t*) {}
#endif
};

}  // namespace

/// Stacks, kept for the next fiber: mapping one costs more than a call.
class Fibers::Stacks {
 public:
  Stacks() = default;
  ~Stacks() {
    for (void* base : spares_) munmap(base, kGuardBytes + kStackBytes);
  }
  Stacks(const Stacks&) = delete;
  Stacks& operator=(const Stacks&) = delete;

  boost::context::stack_context allocate() {
    void* base = nullptr;
    if (!spares_.empty()) {
      base = spares_.back();
      spares_.pop_back();
    } else {
      base = mmap(nullptr, kGuardBytes + kStackBytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (base == MAP_FAILED) throw std::bad_alloc();
      // A stack that grows too far stops the process instead of changing another one's memory.
      CLINICDB_CHECK(mprotect(base, kGuardBytes, PROT_NONE) == 0);
    }
    boost::context::stack_context stack;
    stack.size = kStackBytes;
    stack.sp = static_cast<char*>(base) + kGuardBytes + kStackBytes;
    return stack;
  }
  void deallocate(boost::context::stack_context& stack) noexcept {
    void* base = static_cast<char*>(stack.sp) - kStackBytes - kGuardBytes;
    if (spares_.size() < kSparesMax) {
      spares_.push_back(base);
    } else {
      munmap(base, kGuardBytes + kStackBytes);
    }
  }

 private:
  std::vector<void*> spares_;
};

class Fibers::Fiber final : public engine::CommitWait {
 public:
  Fiber(Fibers& owner, Body body) : owner_(owner), body_(std::move(body)) {
    struct Allocator {
      Stacks* stacks;
      boost::context::stack_context allocate() { return stacks->allocate(); }
      void deallocate(boost::context::stack_context& stack) noexcept { stacks->deallocate(stack); }
    };
    // Taken here, and not by the context itself, to know where it lies.
    const boost::context::stack_context stack = owner_.stacks_->allocate();
    stack_bottom_ = static_cast<char*>(stack.sp) - kStackBytes;
    context_ = boost::context::fiber(
        std::allocator_arg, boost::context::preallocated(stack.sp, stack.size, stack),
        Allocator{owner_.stacks_.get()}, [this](boost::context::fiber&& thread) {
          StackSwitch::arrive(nullptr, &thread_bottom_, &thread_size_);
          thread_ = std::move(thread);
          work();
          ended_ = true;
          StackSwitch::leave(nullptr, thread_bottom_, thread_size_);
          return std::move(thread_);
        });
  }

  /// On the thread's own stack. True once the fiber has ended.
  bool resume() {
    void* fake = nullptr;
    StackSwitch::leave(&fake, stack_bottom_, kStackBytes);
    context_ = std::move(context_).resume();
    StackSwitch::arrive(fake, nullptr, nullptr);
    return ended_;
  }

  // On the fiber's stack.
  void wait() override {
    collect_work();
    // What runs meanwhile is not this call.
    const engine::CallerScope none(nullptr);
    void* fake = nullptr;
    StackSwitch::leave(&fake, thread_bottom_, thread_size_);
    thread_ = std::move(thread_).resume();
    StackSwitch::arrive(fake, &thread_bottom_, &thread_size_);
  }

  // On the thread that committed. The inbox is drained by the fiber's thread, and so only after the
  // fiber has left its stack.
  void wake() override {
    owner_.inbox_.add([this] { owner_.step(this); });
  }

  std::int64_t collect_work() { return writer_work_ns_ += engine::take_writer_work_ns(); }

 private:
  void work() {
    engine::Caller caller{.memory_only = true, .wait = this};
    const engine::CallerScope scope(&caller);
    body_(caller.missed);
    body_ = nullptr;  // its captures end before the stack does
  }

  Fibers& owner_;
  Body body_;
  boost::context::fiber context_;
  boost::context::fiber thread_;
  const void* stack_bottom_ = nullptr;
  const void* thread_bottom_ = nullptr;
  std::size_t thread_size_ = 0;
  std::int64_t writer_work_ns_ = 0;
  bool ended_ = false;
};

Fibers::Fibers(Inbox& inbox) : inbox_(inbox), stacks_(std::make_unique<Stacks>()) {}
Fibers::~Fibers() { CLINICDB_CHECK(running_ == 0); }

void Fibers::run(Body body) {
  ++running_;
  step(new Fiber(*this, std::move(body)));
}

std::int64_t Fibers::writer_work_ns() {
  // A body runs with its fiber as what its commits wait by.
  return static_cast<Fiber*>(engine::current_caller()->wait)->collect_work();
}

void Fibers::step(Fiber* fiber) {
  if (!fiber->resume()) return;
  delete fiber;
  --running_;
}

}  // namespace clinicdb::server
