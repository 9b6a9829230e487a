#include "checker.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "clinicdb/base/bytes.h"
#include "clinicdb/engine/key.h"

namespace clinicdb::crash {

using engine::Committed;
using engine::IndexEntry;
using engine::Key;
using engine::KeyRange;
using engine::RawRecord;
using engine::Reader;
using engine::ScanOptions;
using engine::Store;
using engine::TenantInfo;

namespace {

constexpr Time kEver{0};
constexpr Time kNever{std::int64_t{1} << 60};

/// One check of one store; its methods are the six points of the header.
class Check {
 public:
  Check(Store& store, Ledger& ledger, const CheckOptions& options)
      : store_(store), ledger_(ledger), options_(options), random_(options.seed) {}

  Tenants run() {
    find_tenants();
    if (ledger_.problem_count != 0) return tenants_;
    for (std::uint32_t number = 0; number < kWorkers; ++number) resolve(number);
    check_tenant_list();
    check_shared();
    for (std::uint32_t number = 0; number < kWorkers; ++number) check_own(number);
    for (std::uint32_t number = 0; number < kWorkers; ++number) check_requests(number);
    check_verify();
    return tenants_;
  }

 private:
  void problem(const std::string& text) { add_problem(ledger_, text); }

  /// True when `result` is there; otherwise a problem that says what was asked.
  template <class T>
  bool good(const Result<T>& result, const std::string& what) {
    if (!result) problem(what + ": " + result.error().to_string());
    return result.has_value();
  }

  void find_tenants() {
    const Result<TenantInfo> shared = store_.find_tenant("shared");
    if (shared) {
      tenants_.shared = shared->id;
      ledger_.shared_exists = true;
    } else if (shared.error().code() != StatusCode::kNotFound) {
      problem("the shared tenant: " + shared.error().to_string());
    } else if (ledger_.shared_exists) {
      problem("acknowledged data is lost: the shared tenant is gone");
    } else if (const Result<TenantInfo> made = store_.create_tenant("shared");
               good(made, "creating the tenant")) {
      tenants_.shared = made->id;
      ledger_.shared_exists = true;
    }
    for (std::uint32_t number = 0; number < kWorkers; ++number) {
      const Result<TenantInfo> own = store_.find_tenant(own_slug(number));
      if (own) tenants_.own[number] = own->id;
    }
  }

  // Point 2.
  void resolve(std::uint32_t number) {
    WorkerLedger& worker = ledger_.workers[number];
    if (worker.phase.load() == Phase::kPending) {
      const bool done = happened(number, worker.intent);
      ++(done ? ledger_.resolved_done : ledger_.resolved_undone);
      bool settled = done;
      if (worker.intent.has_request) settled = ask_again(number, worker.intent, done);
      worker.phase.store(settled ? Phase::kAcknowledged : Phase::kIdle);
    }
    if (worker.phase.load() == Phase::kAcknowledged) apply(worker, worker.intent);
    worker.phase.store(Phase::kIdle);
  }

  /// Whether an intent's changes are there: all or none.
  bool happened(std::uint32_t number, const Intent& intent) {
    const bool own_there = tenants_.own[number].value != 0;
    if (intent.kind == IntentKind::kCreateTenant) return own_there;
    if (intent.kind == IntentKind::kEraseTenant) return !own_there;
    const Result<std::unique_ptr<Reader>> view =
        store_.view(intent.own ? tenants_.own[number] : tenants_.shared);
    if (!good(view, "a view of the tenant of the call in flight")) return false;
    std::uint32_t there = 0;
    for (std::uint32_t i = 0; i < intent.change_count; ++i) {
      const Change& change = intent.changes[i];
      const auto found = (*view)->get_any(table_of(change.slot), slot_key(number, change.slot));
      if (good(found, "a slot of the call in flight") && *found &&
          (*found)->meta.version == change.after.version) {
        ++there;
      }
    }
    if (there != 0 && there != intent.change_count) {
      problem("a call is half done: " + std::to_string(there) + " of " +
              std::to_string(intent.change_count) + " records");
    }
    return there != 0;
  }

  /// The same request id again: it must be known if and only if the call had happened (R1). True
  /// when it is done.
  bool ask_again(std::uint32_t number, const Intent& intent, bool happened) {
    const Result<Committed> again = perform(store_, tenants_, number, intent);
    if (!again) {
      if (!happened && is_refusal(again.error())) return false;
      problem("a request id asked again after the crash: " + again.error().to_string());
      return happened;
    }
    if (again->repeated != happened) {
      problem(happened ? "a call that had happened was executed twice"
                       : "a call that had not happened was answered as repeated");
    }
    if (again->answer != answer_of(number, intent))
      problem("a request id got another answer after the crash");
    ++ledger_.repeated;
    return true;
  }

  // Point 5.
  void check_requests(std::uint32_t number) {
    const WorkerLedger& worker = ledger_.workers[number];
    const std::uint64_t known = std::min<std::uint64_t>(worker.requests, kRemembered);
    for (std::uint64_t i = 0; i < known; ++i) {
      const Intent& intent = worker.remembered[(worker.requests - i) % kRemembered];
      if (!ask_again(number, intent, true)) return;
    }
  }

  // Point 3, tenants.
  void check_tenant_list() {
    std::set<std::string> expected = {"shared"};
    for (std::uint32_t number = 0; number < kWorkers; ++number) {
      WorkerLedger& worker = ledger_.workers[number];
      if (!worker.own_exists) {
        tenants_.own[number] = TenantId();
        continue;
      }
      expected.insert(own_slug(number));
      if (tenants_.own[number].value == 0)
        problem("acknowledged data is lost: tenant " + own_slug(number) + " is gone");
      worker.last_own = tenants_.own[number];
    }
    const Result<std::vector<TenantInfo>> listed = store_.list_tenants();
    if (!good(listed, "list_tenants")) return;
    std::set<std::string> found;
    for (const TenantInfo& tenant : *listed) found.insert(tenant.slug);
    if (found != expected)
      problem("the store lists " + std::to_string(found.size()) + " tenants, not " +
              std::to_string(expected.size()));
  }

  void check_shared() {
    const Result<std::unique_ptr<Reader>> view = store_.view(tenants_.shared);
    if (!good(view, "view of the shared tenant")) return;
    std::size_t persons = 0;
    std::size_t appointments = 0;
    for (std::uint32_t number = 0; number < kWorkers; ++number) {
      for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
        if (is_own(slot)) continue;
        check_slot(**view, number, slot);
        if (!ledger_.workers[number].slots[slot].live) continue;
        ++(is_appointment(slot) ? appointments : persons);
      }
    }
    check_record_count(**view, kPersons.def(), persons);
    check_record_count(**view, kAppointments.def(), appointments);
    check_counter(**view);
    check_shared_events(**view);
    for (std::uint64_t i = 0; i < kProfessionals; ++i)
      check_claims(**view, kAppointmentProfessional, i);
    for (std::uint64_t i = 0; i < kRooms; ++i) check_claims(**view, kAppointmentRoom, i);
    check_claim_count(appointments);
  }

  void check_own(std::uint32_t number) {
    if (tenants_.own[number].value == 0) return;
    const Result<std::unique_ptr<Reader>> view = store_.view(tenants_.own[number]);
    if (!good(view, "view of " + own_slug(number))) return;
    std::size_t persons = 0;
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
      if (!is_own(slot)) continue;
      check_slot(**view, number, slot);
      if (ledger_.workers[number].slots[slot].live) ++persons;
    }
    check_record_count(**view, kPersons.def(), persons);
    check_own_events(**view, number);
  }

  static const engine::TableDef& table_of(std::uint32_t slot) {
    return is_appointment(slot) ? kAppointments.def() : kPersons.def();
  }

  // Point 1.
  void check_slot(Reader& view, std::uint32_t number, std::uint32_t slot) {
    const Slot& expected = ledger_.workers[number].slots[slot];
    const std::string name = "worker " + std::to_string(number) + " slot " + std::to_string(slot);
    const auto found = view.get_any(table_of(slot), slot_key(number, slot));
    if (!good(found, name)) return;
    const std::uint64_t version = *found ? (*found)->meta.version : 0;
    if (version != expected.version) {
      problem((version < expected.version ? "acknowledged data is lost: "
                                          : "unacknowledged data is there: ") +
              name + " has version " + std::to_string(version) + ", not " +
              std::to_string(expected.version));
      return;
    }
    if (version == 0) return;
    if ((*found)->meta.deleted == expected.live) {
      problem(name + (expected.live ? " is deleted" : " is not deleted"));
    } else if (expected.live) {
      check_live(view, {number, slot, expected.version, expected.salt}, (*found)->body, name);
    }
    if (options_.full || random_.below(16) == 0) check_history(view, number, slot, name);
  }

  void check_live(Reader& view, const Origin& origin, const std::string& body,
                  const std::string& name) {
    const bool person = !is_appointment(origin.slot);
    if (body != (person ? make_person(origin).body : make_appointment(origin).body)) {
      problem(name + " has other bytes than were acknowledged");
      return;
    }
    if (!person) return;
    const Person record{origin, body};
    check_unique(view, kPersonCode, code_of(record), origin, name);
    if (!nickname_of(record).empty())
      check_unique(view, kPersonNickname, nickname_of(record), origin, name);
  }

  void check_unique(Reader& view, engine::IndexNumber index, const std::string& entry,
                    const Origin& origin, const std::string& name) {
    const auto found = view.find(kPersons.def(), index, entry);
    if (!good(found, name)) return;
    if (!*found || **found != slot_key(origin.worker, origin.slot)) {
      problem(name + " is not found by its unique entry " + std::to_string(index));
    }
  }

  void check_history(Reader& view, std::uint32_t number, std::uint32_t slot,
                     const std::string& name) {
    std::uint64_t expected = ledger_.workers[number].slots[slot].version;
    const Status read =
        view.history(table_of(slot), slot_key(number, slot), [&](const RawRecord& record) {
          if (record.meta.version != expected) {
            problem(name + ": history has version " + std::to_string(record.meta.version) +
                    " where " + std::to_string(expected) + " belongs");
            return false;
          }
          if (!record.meta.deleted) check_self(record, number, slot, name);
          --expected;
          return expected > 0;
        });
    if (!read.ok()) problem(name + ": history: " + read.to_string());
    if (read.ok() && expected != 0)
      problem(name + ": history ends at version " + std::to_string(expected + 1));
  }

  /// An old version says itself what its bytes must be.
  void check_self(const RawRecord& record, std::uint32_t number, std::uint32_t slot,
                  const std::string& name) {
    const Result<Person> decoded = kPersons.decode(record.body);
    if (!good(decoded, name + ": history")) return;
    const Origin& origin = decoded->origin;
    const std::string body =
        is_appointment(slot) ? make_appointment(origin).body : make_person(origin).body;
    if (origin.worker != number || origin.slot != slot || origin.version != record.meta.version ||
        body != record.body) {
      problem(name + ": history version " + std::to_string(record.meta.version) +
              " has other bytes");
    }
  }

  // Point 3, records.
  void check_record_count(Reader& view, const engine::TableDef& table, std::size_t expected) {
    std::size_t found = 0;
    const auto end = view.scan_records(table, KeyRange::all(), ScanOptions(),
                                       [&](std::string_view, RawRecord&&) {
                                         ++found;
                                         return true;
                                       });
    if (good(end, "scan of table " + table.name) && found != expected) {
      problem("table " + table.name + " has " + std::to_string(found) + " records, not " +
              std::to_string(expected));
    }
  }

  void check_counter(Reader& view) {
    const auto stored = view.get(kCounters, kCounterKey);
    if (!good(stored, "the counter")) return;
    const Counter counter = *stored ? (*stored)->record : Counter();
    for (std::uint32_t number = 0; number < kWorkers; ++number) {
      const std::uint64_t expected = ledger_.workers[number].counter;
      if (counter.counts[number] == expected) continue;
      problem((counter.counts[number] < expected ? "acknowledged data is lost: "
                                                 : "a call was executed twice: ") +
              std::string("the counter of worker ") + std::to_string(number) + " is " +
              std::to_string(counter.counts[number]) + ", not " + std::to_string(expected));
    }
  }

  /// Reads the events above `after` and counts on from `sequences`: each call's event once, in
  /// order.
  void read_events(Reader& view, Lsn after, std::uint64_t (&sequences)[kWorkers]) {
    const auto end = view.events(after, ScanOptions(), [&](const engine::Event& event) {
      if (event.type == 0) return true;
      const std::uint32_t number =
          event.payload.size() == 12 ? load_le32(event.payload.data()) : kWorkers;
      if (number >= kWorkers || load_le64(event.payload.data() + 4) != sequences[number] + 1) {
        problem("an event at LSN " + std::to_string(event.lsn.value) +
                " is out of order, missing or there twice");
        return false;
      }
      ++sequences[number];
      return true;
    });
    good(end, "events");
  }

  void compare_events(std::uint32_t number, std::uint64_t found, std::uint64_t expected) {
    if (found == expected) return;
    problem((found < expected ? "acknowledged data is lost: " : "unacknowledged data is there: ") +
            std::string("worker ") + std::to_string(number) + " has " + std::to_string(found) +
            " events, not " + std::to_string(expected));
  }

  void check_shared_events(Reader& view) {
    const std::uint32_t which = ledger_.checked_which.load();
    CheckedEvents checked = options_.full ? CheckedEvents() : ledger_.checked[which];
    read_events(view, checked.lsn, checked.sequences);
    for (std::uint32_t i = 0; i < kWorkers; ++i) {
      compare_events(i, checked.sequences[i], ledger_.workers[i].sequences[0]);
    }
    if (ledger_.problem_count != 0) return;
    checked.lsn = view.lsn();
    ledger_.checked[1 - which] = checked;
    ledger_.checked_which.store(1 - which);
  }

  void check_own_events(Reader& view, std::uint32_t number) {
    std::uint64_t sequences[kWorkers] = {};
    read_events(view, Lsn(), sequences);
    compare_events(number, sequences[number], ledger_.workers[number].sequences[1]);
  }

  // Point 4.
  void check_claims(Reader& view, engine::IndexNumber index, std::uint64_t resource) {
    Time last_end = kEver;
    const auto end =
        view.scan_claims(kAppointments.def(), index, Key().u64(resource).str(), kEver, kNever,
                         ScanOptions(), [&](const IndexEntry& entry) {
                           ++claims_;
                           std::string_view start_bytes = entry.key.substr(entry.key.size() - 8);
                           Time start;
                           if (!Key::take_time(start_bytes, start))
                             problem("a claim's key has no start");
                           if (start < last_end)
                             problem("two claims overlap on resource " + std::to_string(resource));
                           last_end = entry.end;
                           return true;
                         });
    good(end, "scan of claims");
  }

  void check_claim_count(std::size_t appointments) {
    if (claims_ != 2 * appointments) {
      problem("there are " + std::to_string(claims_) + " claims for " +
              std::to_string(appointments) + " appointments");
    }
  }

  // Point 6.
  void check_verify() {
    const Result<engine::VerifyReport> report = store_.verify({});
    if (!good(report, "verify")) return;
    for (const std::string& line : report->problems) problem("verify: " + line);
    if (report->problems.empty() && report->problem_count != 0)
      problem("verify counts problems that it does not name");
  }

  Store& store_;
  Ledger& ledger_;
  const CheckOptions options_;
  SeededRandom random_;
  Tenants tenants_;
  std::size_t claims_ = 0;
};

}  // namespace

Tenants check_store(Store& store, Ledger& ledger, const CheckOptions& options) {
  return Check(store, ledger, options).run();
}

}  // namespace clinicdb::crash
