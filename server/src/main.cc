// The one executable, `clinicdb`: everything is put together here.
#include <iostream>

#include "cli/app.h"
#include "serve_command.h"

int main(int argument_count, char** arguments) {
  std::ios::sync_with_stdio(false);
  clinicdb::server::Session session(clinicdb::server::Terminal::detect(), std::cout, std::cerr);
  return clinicdb::server::run_program(argument_count, arguments, session,
                                       {clinicdb::server::add_serve_commands});
}
