// Which hosts and addresses a server may fetch from on behalf of a request.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spyhop/config.h"

namespace spyhop {

/// An IPv4 address (the last 4 bytes) or an IPv6 address, network byte order.
struct IpAddress {
  std::array<uint8_t, 16> bytes{};
  bool is_v6 = false;

  /// From the usual notations, without zone. Empty where `text` is none.
  static std::optional<IpAddress> parse(const std::string& text);
  std::string to_string() const;
};

/// Why the guard refuses an address: "loopback", "private", "link-local" and so on; empty for a public one. Addresses that
/// embed an IPv4 address (mapped, NAT64) are what that address is.
std::string_view forbidden_class(const IpAddress& address);

/// The addresses of a host name or a numeric host; empty when there is none or the time is up.
using Resolver = std::function<std::vector<IpAddress>(const std::string& host, std::chrono::milliseconds timeout)>;

/// The system's resolver. A look-up that outlasts its time goes on in a thread of its own, whose result is dropped.
std::vector<IpAddress> resolve_host(const std::string& host, std::chrono::milliseconds timeout);

/// Checks hosts against a FetchPolicy. Thread-safe.
class AddressGuard {
 public:
  explicit AddressGuard(FetchPolicy policy, Resolver resolver = resolve_host)
      : policy_(std::move(policy)), resolver_(std::move(resolver)) {}

  /// The addresses to connect to, in the resolver's order; empty where the host has none. Connect to one of these, never to the
  /// name: a second look-up may answer differently. Throws Error{kForbidden} where the policy refuses the host or any of its
  /// addresses.
  std::vector<IpAddress> allowed_addresses(const std::string& host, std::chrono::milliseconds timeout) const;

 private:
  void check_name(const std::string& host) const;

  FetchPolicy policy_;
  Resolver resolver_;
};

}  // namespace spyhop
