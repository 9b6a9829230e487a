// The families of commands, each in a file of its own.
#pragma once

namespace clinicdb::server {

class Commands;

void add_store_commands(Commands& commands);   // init, stats
void add_backup_commands(Commands& commands);  // verify, backup, restore
void add_tenant_commands(Commands& commands);  // tenant
void add_patient_commands(Commands& commands);
void add_duplicate_commands(Commands& commands);  // patient duplicates, merge, unmerge, merges
void add_transfer_commands(Commands& commands);   // import, export, generate
void add_people_commands(Commands& commands);
void add_appointment_commands(Commands& commands);
void add_bench_command(Commands& commands);       // bench
void add_config_commands(Commands& commands);     // config, version
void add_completion_command(Commands& commands);  // completion

}  // namespace clinicdb::server
