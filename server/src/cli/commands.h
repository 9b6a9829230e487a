// The families of commands, each in a file of its own.
#pragma once

namespace clinicdb::server {

class Commands;

void add_store_commands(Commands& commands);   // init, stats
void add_backup_commands(Commands& commands);  // verify, backup, restore
void add_tenant_commands(Commands& commands);  // tenant
void add_patient_commands(
    Commands& commands);  // patient add, update, remove, get, search, timeline
void add_duplicate_commands(Commands& commands);    // patient duplicates, merge, unmerge, merges
void add_transfer_commands(Commands& commands);     // import, export, generate
void add_billing_commands(Commands& commands);      // price, billing, packet
void add_invoice_commands(Commands& commands);      // invoice
void add_attachment_commands(Commands& commands);   // attachment
void add_care_commands(Commands& commands);         // lot, plan, treatment
void add_record_commands(Commands& commands);       // record, events, history
void add_record_list_commands(Commands& commands);  // record list, notes, find; versions
void add_consent_commands(Commands& commands);      // consent
void add_load_commands(Commands& commands);         // load
void add_people_commands(Commands& commands);
void add_people_view_commands(Commands& commands);  // get of people and places; organization
void add_appointment_commands(Commands& commands);
void add_desk_commands(Commands& commands);      // appointment move, status; hold, series, waitlist
void add_hours_commands(Commands& commands);     // hours
void add_report_commands(Commands& commands);    // appointment counts, patient appointments
void add_schedule_commands(Commands& commands);  // service, equipment, slots, calendar
void add_bench_command(Commands& commands);      // bench
void add_config_commands(Commands& commands);    // config, version
void add_completion_command(Commands& commands);  // completion

}  // namespace clinicdb::server
