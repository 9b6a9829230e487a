// patient duplicates, merge, unmerge, merges.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/record_view.h"
#include "cli/time_text.h"
#include "clinicdb/clinic/schema/duplicate.pb.h"

namespace clinicdb::server {

namespace {

using clinic::CallContext;

struct DuplicateOptions {
  std::string id;
  bool all = false;  // what may be, too
  std::uint64_t limit = 20;
};

std::string score_text(double score) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", score);
  return text;
}

std::string certainty_text(clinic::Certainty certainty) {
  return enum_text(*clinic::Certainty_descriptor()->FindValueByNumber(certainty));
}

/// "birth date same +10.0, given name near +4.5".
std::string reasons(const clinic::Duplicate& duplicate) {
  std::string text;
  for (const clinic::FieldMatch& field : duplicate.fields()) {
    if (!text.empty()) text += ", ";
    const auto* agreement = clinic::Agreement_descriptor()->FindValueByNumber(field.agreement());
    text += field.field() + " " + enum_text(*agreement) + " " + (field.weight() < 0 ? "" : "+") +
            score_text(field.weight());
  }
  return text;
}

std::string person_text(const clinic::PatientSummary& patient) {
  const std::string born = format_day(patient.birth_date());
  return patient.name() + (born.empty() ? "" : ", " + born);
}

Result<ExitCode> duplicates_of(Session& session, const DuplicateOptions& options) {
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kRead));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  clinic::FindDuplicatesRequest request;
  ASSIGN_OR_RETURN(*request.mutable_patient_id(),
                   parse_record_id(clinic::RESOURCE_TYPE_PATIENT, options.id, "ID"));
  request.set_limit(static_cast<std::uint32_t>(options.limit));
  request.set_only_probable(!options.all);
  ASSIGN_OR_RETURN(const auto found,
                   ask<clinic::FindDuplicatesResponse>(*target, clinic::METHOD_DUPLICATES_FIND,
                                                       context, request));
  if (session.json()) {
    session.show(to_json(*found));
    return ExitCode::kDone;
  }
  TextTable table({{"SCORE", Align::kRight}, {"CERTAINTY"}, {"ID"}, {"WHO"}, {"WHY"}});
  for (const clinic::Duplicate& duplicate : found->duplicates()) {
    table.add({score_text(duplicate.score()), certainty_text(duplicate.certainty()),
               id_text(duplicate.patient().id()), person_text(duplicate.patient()),
               reasons(duplicate)});
  }
  if (table.empty()) {
    session.say("Nobody else seems to be this patient.");
  } else {
    session.show(table);
  }
  return ExitCode::kDone;
}

Result<ExitCode> all_duplicates(Session& session, const DuplicateOptions& options) {
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kRead));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  clinic::ListDuplicatesRequest request;
  request.set_only_probable(!options.all);
  TextTable table({{"SCORE", Align::kRight}, {"ID"}, {"WHO"}, {"ID"}, {"WHO"}, {"WHY"}});
  Json pairs = Json::array();
  std::uint64_t patients = 0;
  std::uint64_t comparisons = 0;
  do {
    ASSIGN_OR_RETURN(const auto page,
                     ask<clinic::ListDuplicatesResponse>(*target, clinic::METHOD_DUPLICATES_LIST,
                                                         context, request));
    patients += page->patients();
    comparisons += page->comparisons();
    request.set_cursor(page->cursor());
    for (const clinic::DuplicatePair& pair : page->pairs()) {
      if (session.json()) {
        pairs.push_back(to_json(pair));
        continue;
      }
      table.add({score_text(pair.duplicate().score()), id_text(pair.patient().id()),
                 person_text(pair.patient()), id_text(pair.duplicate().patient().id()),
                 person_text(pair.duplicate().patient()), reasons(pair.duplicate())});
    }
  } while (!request.cursor().empty());
  if (session.json()) {
    session.show(
        Json{{"patients", patients}, {"comparisons", comparisons}, {"pairs", std::move(pairs)}});
    return ExitCode::kDone;
  }
  if (!table.empty()) session.show(table);
  session.say(with_commas(patients) + " patients, " + with_commas(comparisons) + " comparisons.");
  return ExitCode::kDone;
}

struct MergeOptions {
  std::string keep;
  std::string merge;
  std::string reason;
};

Result<ExitCode> merge(Session& session, const MergeOptions& options) {
  clinic::MergePatientsRequest request;
  ASSIGN_OR_RETURN(*request.mutable_keep_id(),
                   parse_record_id(clinic::RESOURCE_TYPE_PATIENT, options.keep, "KEEP"));
  ASSIGN_OR_RETURN(*request.mutable_merge_id(),
                   parse_record_id(clinic::RESOURCE_TYPE_PATIENT, options.merge, "MERGE"));
  request.set_reason(options.reason);
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kChange));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  ASSIGN_OR_RETURN(const auto done,
                   ask<clinic::MergePatientsResponse>(*target, clinic::METHOD_DUPLICATES_MERGE,
                                                      context, request));
  if (session.json()) {
    session.show(to_json(*done));
  } else {
    session.say("Merged; " + with_commas(done->moved()) +
                " records moved. To undo: clinicdb patient "
                "unmerge " +
                id_text(done->result().id()));
  }
  return ExitCode::kDone;
}

Result<ExitCode> unmerge(Session& session, const std::string& id) {
  clinic::UndoMergeRequest request;
  ASSIGN_OR_RETURN(*request.mutable_id(),
                   parse_record_id(clinic::RESOURCE_TYPE_UNSPECIFIED, id, "ID"));
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kChange));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  ASSIGN_OR_RETURN(const auto done,
                   ask<clinic::UndoMergeResponse>(*target, clinic::METHOD_DUPLICATES_UNDO_MERGE,
                                                  context, request));
  if (session.json()) {
    session.show(to_json(*done));
  } else {
    session.say("Taken apart; " + with_commas(done->moved_back()) + " records moved back" +
                (done->left() == 0 ? "." : ", " + with_commas(done->left()) + " left."));
  }
  return ExitCode::kDone;
}

/// Of one merge: what was moved, and who they were before.
Result<ExitCode> one_merge(Session& session, const std::string& id) {
  clinic::GetMergeRequest request;
  ASSIGN_OR_RETURN(*request.mutable_id(),
                   parse_record_id(clinic::RESOURCE_TYPE_UNSPECIFIED, id, "--merge"));
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kRead));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  return show_record_view(session, *target, context, clinic::METHOD_DUPLICATES_GET_MERGE, request);
}

struct MergesOptions {
  std::string id;
  std::string merge;
};

Result<ExitCode> merges(Session& session, const MergesOptions& options) {
  const std::string& id = options.id;
  if (id.empty() == options.merge.empty())
    return invalid_argument("which merges? Give a patient's ID, or --merge").with_field("ID");
  if (id.empty()) return one_merge(session, options.merge);
  clinic::ListMergesRequest request;
  ASSIGN_OR_RETURN(*request.mutable_patient_id(),
                   parse_record_id(clinic::RESOURCE_TYPE_PATIENT, id, "ID"));
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kRead));
  ASSIGN_OR_RETURN(const CallContext context, session.tenant_context());
  ASSIGN_OR_RETURN(const auto found,
                   ask<clinic::ListMergesResponse>(*target, clinic::METHOD_DUPLICATES_LIST_MERGES,
                                                   context, request));
  if (session.json()) {
    session.show(to_json(*found));
    return ExitCode::kDone;
  }
  TextTable table({{"ID"}, {"TIME"}, {"KEPT"}, {"MERGED"}, {"MOVED", Align::kRight}, {"UNDONE"}});
  for (const clinic::MergeSummary& merge : found->merges()) {
    table.add(
        {id_text(merge.id()), format_local(Time{merge.time_us()}, session.zone()),
         id_text(merge.kept_id()), id_text(merge.merged_id()), with_commas(merge.moved()),
         merge.undone_us() == 0 ? "" : format_local(Time{merge.undone_us()}, session.zone())});
  }
  if (table.empty()) {
    session.say("This patient was never merged.");
  } else {
    session.show(table);
  }
  return ExitCode::kDone;
}

}  // namespace

void add_duplicate_commands(Commands& commands) {
  auto options = std::make_shared<DuplicateOptions>();
  Command duplicates =
      commands.add("patient duplicates", "Who may be in the store twice, and why", Needs::kTenant,
                   {"clinicdb patient duplicates --data demo --tenant sorriso",
                    "clinicdb patient duplicates --data demo --tenant sorriso --all "
                    "0190b3c1-7b1c-7d0e-8a51-2f7d1f0c9a11"},
                   [options](Session& session) {
                     return options->id.empty() ? all_duplicates(session, *options)
                                                : duplicates_of(session, *options);
                   });
  duplicates.text("ID", options->id, "Of this patient; else of all");
  duplicates.flag("--all", options->all, "Also those who only may be the same, to be looked at");
  duplicates.number("--limit", options->limit, 1, 200, "With ID: how many at most");

  auto merging = std::make_shared<MergeOptions>();
  Command merge_command = commands.add(
      "patient merge", "Give everything of a patient to another, in one commit", Needs::kTenant,
      {"clinicdb patient merge --data demo --tenant sorriso 0190b3c1-7b1c-7d0e-8a51-2f7d1f0c9a11 "
       "0190b3c1-7b1c-7d0e-8a51-2f7d1f0c9a12 --reason \"registered twice\""},
      [merging](Session& session) { return merge(session, *merging); });
  merge_command.text("KEEP", merging->keep, "The patient who stays").required();
  merge_command.text("MERGE", merging->merge, "The patient who is merged into KEEP").required();
  merge_command.text("--reason", merging->reason, "Why; kept with the merge");

  auto undone = std::make_shared<std::string>();
  commands
      .add("patient unmerge", "Undo a merge", Needs::kTenant,
           {"clinicdb patient unmerge --data demo --tenant sorriso "
            "0190b3c1-7b1c-7d0e-8a51-2f7d1f0c9a13"},
           [undone](Session& session) { return unmerge(session, *undone); })
      .text("ID", *undone, "Of the merge, as `patient merges` shows it")
      .required();

  auto whose = std::make_shared<MergesOptions>();
  Command merges_command = commands.add(
      "patient merges", "The merges that a patient was part of, or one in full", Needs::kTenant,
      {"clinicdb patient merges --data demo --tenant sorriso "
       "0190b3c1-7b1c-7d0e-8a51-2f7d1f0c9a11",
       "clinicdb patient merges --data demo --tenant sorriso --merge "
       "0190b3c1-7b1c-7d0e-8a51-2f7d1f0c9a13"},
      [whose](Session& session) { return merges(session, *whose); });
  merges_command.text("ID", whose->id, "A patient")
      .excludes(
          merges_command.text("--merge", whose->merge, "This one, with what it moved").type("ID"));
}

}  // namespace clinicdb::server
