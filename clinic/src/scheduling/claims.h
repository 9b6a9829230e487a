// Claims: taking time for an appointment, and what becomes of it when it is freed.
//
// The invariant: at each instant, of all appointments that need a professional (a room, a unit of
// equipment, a seat, a patient) exactly one claims it, whatever was overbooked. An overbooked
// appointment claims what nobody else does; when something beside it is freed, it takes that in the
// same commit. So one look at the claims says whether a time is free, and the engine's own check of
// overlaps is the whole rule.
//
// All of it runs in a commit, or in a view to guess what a commit will find.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "clinicdb/base/result.h"
#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/transaction.h"

namespace clinicdb::clinic {

/// What to do where something is in the way.
struct ClaimRules {
  bool may_read = false;  ///< the refusal may name what is in the way
  bool overbook = false;  ///< take what is left of the professional's and the room's time
  /// Of a move: the appointment as it was. An overbooked one that shares its time claims none of
  /// what they share, and is in the way all the same.
  const Appointment* before = nullptr;
};

/// Of a move from `before`: forgets what was overbooked and is now elsewhere. A professional or a
/// room that is needed at the same time as before was given once, and needs the right no more.
void forget_moved_overbooking(const Appointment& before, Appointment& appointment);

/// Chooses units of equipment and the seat of a participant that are free as `reader` sees it;
/// where none is, the first one, so that the claim itself is refused. Nothing to do for others.
/// kFailedPrecondition when a group is full, kNotFound for equipment that is not there.
Status choose_units(engine::Reader& reader, Appointment& appointment);

/// Puts the appointment with its claims. What is in the way is dealt with in this order: holds that
/// have expired are removed; units and seats are chosen anew; with the rule, it is overbooked;
/// else kFailedPrecondition says which resource is taken, in field(). `prepared` is of
/// `appointment`, which is changed where what was chosen changes.
Result<engine::PutResult> put_claiming(engine::Transaction& tx, Appointment& appointment,
                                       const engine::PreparedRecord& prepared,
                                       const engine::PutOptions& options, const ClaimRules& rules);

/// Gives what the appointment claimed to overbooked ones beside it. Call it after the appointment
/// was put without these claims, or removed. `changing` is left out: the id of one that is put with
/// claims of its own right after.
Status give_freed_time(engine::Transaction& tx, const Appointment& released,
                       std::string_view changing = {});

/// Removes a hold: its time is free, and whoever it was offered to waits again. `changing` as
/// above.
Status remove_hold(engine::Transaction& tx, const Appointment& hold,
                   std::string_view changing = {});

/// Ids of the appointments that have a seat of the group, by seat.
Result<std::vector<std::string>> participants_of(engine::Reader& reader, std::string_view group_id);

/// The group of that service which the group's professional has at that very time; empty for none.
Result<std::string> find_group(engine::Reader& reader, const Appointment& group);

/// EventPayload of an appointment at a version.
std::string appointment_event(const Appointment& appointment, std::uint64_t version);

}  // namespace clinicdb::clinic
