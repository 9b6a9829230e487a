#include "soak_page.h"

#include <httplib.h>

namespace clinicdb::server {

Result<std::string> get_page(std::uint16_t admin_port, const std::string& path) {
  constexpr time_t kSeconds = 30;
  httplib::Client client("127.0.0.1", admin_port);
  client.set_connection_timeout(kSeconds);
  client.set_read_timeout(kSeconds);
  const httplib::Result got = client.Get(path.c_str());
  if (!got) return unavailable("no answer to GET " + path);
  if (got->status != 200)
    return unavailable("GET " + path + " is answered by " + std::to_string(got->status));
  return got->body;
}

}  // namespace clinicdb::server
