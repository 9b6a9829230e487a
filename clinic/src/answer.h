// Answers: the messages that reads give out, shared and never changed.
//
// A message of many parts costs more to allocate, part by part and text by text, than to fill. So
// an answer lies in an arena of its own. One that only its caller has leaves its place, with the
// texts' memory, to the next answer of its kind on the same thread; few places of limited size are
// kept. One that the result cache is to keep gets a place of its own size: a place that once held a
// whole clinic's day would count as much for every day after it.
//
// Thread-safe: an answer may be let go of on another thread than the one that made it.
#pragma once

#include <google/protobuf/arena.h>
#include <google/protobuf/message.h>

#include <array>
#include <cstddef>
#include <memory>
#include <utility>

#include "clinic_limits.h"

namespace clinicdb::clinic {

/// A message with its arena, in one allocation as long as it is small.
template <class Answer>
class AnswerPlace {
 public:
  AnswerPlace()
      : arena_(options()), answer_(google::protobuf::Arena::CreateMessage<Answer>(&arena_)) {}

  Answer* answer() { return answer_; }

  /// Empties it for another answer; false where it has grown too large to be kept.
  bool clear() {
    // What lies in the arena, and what the texts have allocated, which clearing does not free.
    if (arena_.SpaceAllocated() > kFreeAnswerBytesMax ||
        answer_->ByteSizeLong() > kFreeAnswerBytesMax)
      return false;
    answer_->Clear();
    return true;
  }

 private:
  google::protobuf::ArenaOptions options() {
    google::protobuf::ArenaOptions options;
    options.initial_block = block_;
    options.initial_block_size = sizeof block_;
    options.start_block_size = kAnswerArenaBytes;
    return options;
  }
  alignas(8) char block_[kAnswerArenaBytes];  // left as it is: the arena writes before it reads
  google::protobuf::Arena arena_;
  Answer* answer_;
};

/// The empty places that a thread keeps for one kind of answer.
template <class Answer>
class FreeAnswers {
 public:
  using Place = std::unique_ptr<AnswerPlace<Answer>>;

  /// Of this thread; nullptr when it is ending.
  static FreeAnswers* mine() {
    // The pointer needs no destructor, so that it can be asked after the other is gone.
    thread_local FreeAnswers* now = nullptr;
    thread_local bool ended = false;
    if (now != nullptr || ended) return now;
    struct Owner {
      FreeAnswers answers;
      ~Owner() {
        now = nullptr;
        ended = true;
      }
    };
    thread_local Owner owner;
    now = &owner.answers;
    return now;
  }

  Place take() { return count_ == 0 ? nullptr : std::move(places_[--count_]); }
  void give(Place place) {
    if (count_ < places_.size() && place->clear()) places_[count_++] = std::move(place);
  }

 private:
  std::array<Place, kFreeAnswersMax> places_;
  std::size_t count_ = 0;
};

/// An empty answer. `kept`: the result cache is to keep it.
template <class Answer>
std::shared_ptr<Answer> make_answer(bool kept) {
  if (kept) {
    auto place = std::make_shared<AnswerPlace<Answer>>();
    Answer* const answer = place->answer();
    return std::shared_ptr<Answer>(std::move(place), answer);
  }
  using Free = FreeAnswers<Answer>;
  typename Free::Place place;
  if (Free* free = Free::mine()) place = free->take();
  if (place == nullptr) place = std::make_unique<AnswerPlace<Answer>>();
  Answer* const answer = place->answer();
  return std::shared_ptr<Answer>(answer, [place = place.release()](Answer*) {
    typename Free::Place owned(place);
    if (Free* free = Free::mine()) free->give(std::move(owned));
  });
}

/// What an answer holds in memory.
inline std::size_t answer_bytes(const google::protobuf::Message& answer) {
  const google::protobuf::Arena* arena = answer.GetArena();
  // The arena has the message and its parts, but not what its texts have allocated, which is about
  // what they are written as.
  return arena == nullptr ? answer.SpaceUsedLong()
                          : arena->SpaceAllocated() + answer.ByteSizeLong();
}

}  // namespace clinicdb::clinic
