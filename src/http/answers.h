// Filling in responses.
#pragma once

#include <httplib.h>

#include <exception>
#include <string>

#include "http/route.h"
#include "spyhop/error.h"

namespace spyhop {

/// Host and port of this server as the client of the request knows them.
std::string server_address(const RouteCall& call);

void answer_json(httplib::Response& response, const std::string& json);

/// Status, body and headers of an error: Retry-After where trying again helps, by the error's own estimate if it has one,
/// x-should-retry: false where it does not.
void answer_error(httplib::Response& response, const Error& error);

/// Any exception as an Error. What is not one already is logged under `request_id` and becomes kInternal without details.
Error to_error(const std::exception_ptr& exception, const std::string& request_id);

}  // namespace spyhop
