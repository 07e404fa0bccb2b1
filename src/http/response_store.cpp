#include "http/response_store.h"

#include <variant>

#include "common/problem_list.h"
#include "spyhop/error.h"

namespace spyhop {

size_t StoredResponse::num_bytes() const {
  size_t bytes = sizeof(*this) + id.size() + json.size() + items.size();
  for (const ChatMessage& message : conversation) {
    for (const ContentPart& part : message.content) {
      const auto* text = std::get_if<TextPart>(&part);
      bytes += sizeof(part) + (text != nullptr ? text->text.size() : std::get<ImagePart>(part).url.size());
    }
  }
  return bytes;
}

void ResponseStore::put(StoredResponse response) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto known = by_id_.find(response.id);
  if (known != by_id_.end()) erase(known->second);
  auto kept = std::make_shared<const StoredResponse>(std::move(response));
  num_bytes_ += kept->num_bytes();
  entries_.push_back({kept, now_()});
  by_id_[kept->id] = std::prev(entries_.end());
  drop_old();
}

void ResponseStore::finish(StoredResponse response) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto known = by_id_.find(response.id);
    if (known == by_id_.end() || !known->second->response->in_progress) return;
  }
  put(std::move(response));
}

std::shared_ptr<const StoredResponse> ResponseStore::get(const std::string& id, const std::string& field) {
  const std::lock_guard<std::mutex> lock(mutex_);
  drop_old();
  return find(id, field)->response;
}

void ResponseStore::erase(const std::string& id) {
  const std::lock_guard<std::mutex> lock(mutex_);
  drop_old();
  erase(find(id, ""));
}

ResponseStore::Entries::iterator ResponseStore::find(const std::string& id, const std::string& field) {
  const auto known = by_id_.find(id);
  if (known != by_id_.end()) return known->second;
  throw Error(ErrorCode::kNotFound,
              "there is no response " + in_quotes(id.substr(0, 100)) + "; allowed: one that was stored, which ends after " +
                  std::to_string(limits_.ttl.count()) + " s or when newer ones take its place",
              field);
}

void ResponseStore::erase(Entries::iterator entry) {
  num_bytes_ -= entry->response->num_bytes();
  by_id_.erase(entry->response->id);
  entries_.erase(entry);
}

void ResponseStore::drop_old() {
  const auto is_too_much = [this] {
    return entries_.size() > static_cast<size_t>(limits_.max_responses) || num_bytes_ > limits_.max_bytes ||
           now_() - entries_.front().put_at > limits_.ttl;
  };
  while (!entries_.empty() && is_too_much()) erase(entries_.begin());
}

}  // namespace spyhop
