#include "clinicdb/clinic/roles.h"

#include <initializer_list>

namespace clinicdb::clinic {

namespace {

Rights with_all(Rights rights, std::initializer_list<AccessRight> more) {
  for (const AccessRight right : more) rights = rights.with(right);
  return rights;
}

Rights reading() {
  return with_all(Rights(), {ACCESS_RIGHT_TENANTS_READ, ACCESS_RIGHT_PEOPLE_READ,
                             ACCESS_RIGHT_PATIENTS_READ, ACCESS_RIGHT_SCHEDULE_READ});
}

}  // namespace

Rights rights_of(Role role) {
  switch (role) {
    case ROLE_OWNER:
      return Rights::all();
    case ROLE_ADMINISTRATOR:
      return with_all(reading(), {ACCESS_RIGHT_PEOPLE_WRITE, ACCESS_RIGHT_PATIENTS_WRITE,
                                  ACCESS_RIGHT_SCHEDULE_WRITE, ACCESS_RIGHT_BILLING_READ,
                                  ACCESS_RIGHT_BILLING_WRITE, ACCESS_RIGHT_AUDIT_READ});
    case ROLE_PROFESSIONAL:
      return with_all(reading(), {ACCESS_RIGHT_PATIENTS_WRITE, ACCESS_RIGHT_RECORDS_READ,
                                  ACCESS_RIGHT_RECORDS_WRITE, ACCESS_RIGHT_SCHEDULE_WRITE});
    case ROLE_RECEPTION:
      return with_all(reading(), {ACCESS_RIGHT_PATIENTS_WRITE, ACCESS_RIGHT_SCHEDULE_WRITE,
                                  ACCESS_RIGHT_BILLING_READ});
    case ROLE_BILLING:
      return with_all(reading(), {ACCESS_RIGHT_BILLING_READ, ACCESS_RIGHT_BILLING_WRITE});
    case ROLE_AUDITOR:
      return with_all(reading(), {ACCESS_RIGHT_RECORDS_READ, ACCESS_RIGHT_BILLING_READ,
                                  ACCESS_RIGHT_AUDIT_READ});
    default:
      return {};
  }
}

Rights rights_of(const User& user) {
  Rights rights;
  if (user.inactive()) return rights;
  for (const int role : user.roles()) {
    const Rights more = rights_of(static_cast<Role>(role));
    for (int right = ACCESS_RIGHT_UNSPECIFIED; right < 16; ++right) {
      if (more.allows(static_cast<AccessRight>(right)))
        rights = rights.with(static_cast<AccessRight>(right));
    }
  }
  return rights;
}

}  // namespace clinicdb::clinic
