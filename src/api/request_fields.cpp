#include "api/request_fields.h"

#include <algorithm>

namespace spyhop {
namespace {

using Fields = std::vector<RequestField>;

RequestField honoured(const char* name) {
  return {name, FieldUse::kHonoured, "", ""};
}

RequestField ignored(const char* name) {
  return {name, FieldUse::kIgnored, "", ""};
}

RequestField refused(const char* name, const char* why, const char* harmless = "") {
  return {name, FieldUse::kRefused, harmless, why};
}

Fields joined(const std::vector<Fields>& groups) {
  Fields all;
  for (const Fields& group : groups) all.insert(all.end(), group.begin(), group.end());
  return all;
}

/// Of everything that generates with OpenAI's older names.
Fields generation() {
  return joined({
      {honoured("model"),
       honoured("stream"),
       honoured("stream_options"),
       honoured("max_tokens"),
       honoured("temperature"),
       honoured("top_p"),
       honoured("n"),
       honoured("stop"),
       honoured("seed"),
       honoured("frequency_penalty"),
       honoured("presence_penalty"),
       honoured("logit_bias"),
       honoured("logprobs"),
       honoured("top_k"),
       honoured("min_p"),
       honoured("repetition_penalty"),
       honoured("stop_token_ids"),
       honoured("include_stop_str_in_output"),
       honoured("ignore_eos"),
       honoured("min_tokens"),
       honoured("skip_special_tokens"),
       honoured("allowed_token_ids"),
       honoured("bad_words"),
       honoured("priority"),
       honoured("request_id"),
       honoured("cache_salt"),
       honoured("timeout"),
       honoured("include_metrics")},
      {honoured("response_format"), honoured("structured_outputs"), honoured("guided_json"), honoured("guided_regex"),
       honoured("guided_choice"), honoured("guided_grammar"), honoured("grammar"), honoured("json_schema"),
       honoured("constrain_boxes"), honoured("max_boxes")},
      {refused("prompt_logprobs", "log-probabilities are those of the answer"),
       refused("return_token_ids", "answers are texts", "false"),
       refused("truncate_prompt_tokens", "a prompt is never shortened in silence"),
       refused("use_beam_search", "there is no beam search", "false"),
       refused("length_penalty", "there is no beam search", "1 1.0")},
      {ignored("user"), ignored("spaces_between_special_tokens"), ignored("mm_processor_kwargs")},
  });
}

}  // namespace

const RequestField* FieldTable::find(std::string_view name) const {
  const auto field = std::find_if(fields.begin(), fields.end(), [&](const RequestField& each) { return each.name == name; });
  return field == fields.end() ? nullptr : &*field;
}

const FieldTable& chat_fields() {
  static const FieldTable table{
      "POST /v1/chat/completions",
      joined({
          {honoured("messages"), honoured("max_completion_tokens"), honoured("top_logprobs"), honoured("task"),
           honoured("auto_detail"), honoured("loop_guard"), honoured("continue_final_message"),
           honoured("add_generation_prompt"), honoured("tools"), honoured("tool_choice"), honoured("functions"),
           honoured("function_call"), honoured("modalities")},
          generation(),
          {refused("audio", "the model answers with text"), refused("echo", "the answer alone is given", "false"),
           refused("best_of", "n answers are generated and given", "1"),
           refused("chat_template", "the layout of a conversation is the model's own"),
           refused("chat_template_kwargs", "the layout of a conversation is the model's own", "{}"),
           refused("web_search_options", "this server searches no web")},
          {ignored("metadata"), ignored("store"), ignored("service_tier"), ignored("safety_identifier"),
           ignored("prompt_cache_key"), ignored("prompt_cache_options"), ignored("prompt_cache_retention"),
           ignored("verbosity"), ignored("reasoning_effort"), ignored("prediction"), ignored("moderation"),
           ignored("parallel_tool_calls"), ignored("add_special_tokens"), ignored("media_io_kwargs"), ignored("documents")},
      })};
  return table;
}

const FieldTable& completion_fields() {
  static const FieldTable table{"POST /v1/completions",
                                joined({
                                    {honoured("prompt"), honoured("echo"), honoured("best_of"), honoured("add_special_tokens")},
                                    generation(),
                                    {refused("suffix", "the model continues texts and fills no gaps"),
                                     refused("prompt_embeds", "a prompt is a text or its tokens")},
                                })};
  return table;
}

const FieldTable& response_fields() {
  static const FieldTable table{
      "POST /v1/responses",
      {honoured("model"),
       honoured("input"),
       honoured("instructions"),
       honoured("previous_response_id"),
       honoured("store"),
       honoured("stream"),
       honoured("max_output_tokens"),
       honoured("temperature"),
       honoured("top_p"),
       honoured("top_logprobs"),
       honoured("include"),
       honoured("text"),
       honoured("tools"),
       honoured("tool_choice"),
       honoured("metadata"),
       honoured("request_id"),
       honoured("priority"),
       honoured("cache_salt"),
       honoured("timeout"),
       honoured("top_k"),
       honoured("min_p"),
       honoured("repetition_penalty"),
       honoured("frequency_penalty"),
       honoured("presence_penalty"),
       honoured("seed"),
       honoured("stop"),
       honoured("truncation"),
       refused("background", "an answer is generated while its request is open", "false"),
       refused("conversation", "there are no stored conversations; previous_response_id continues an answer"),
       refused("prompt", "there are no stored prompts"),
       ignored("user"),
       ignored("service_tier"),
       ignored("safety_identifier"),
       ignored("prompt_cache_key"),
       ignored("prompt_cache_options"),
       ignored("prompt_cache_retention"),
       ignored("reasoning"),
       ignored("parallel_tool_calls"),
       ignored("max_tool_calls"),
       ignored("stream_options"),
       ignored("moderation"),
       ignored("context_management")}};
  return table;
}

const FieldTable& grounding_fields() {
  static const FieldTable table{
      "POST /v1/grounding",
      {honoured("model"),
       honoured("image"),
       honoured("phrase"),
       honoured("phrases"),
       honoured("max_boxes"),
       honoured("max_tokens"),
       honoured("temperature"),
       honoured("top_p"),
       honoured("top_k"),
       honoured("min_p"),
       honoured("repetition_penalty"),
       honoured("frequency_penalty"),
       honoured("presence_penalty"),
       honoured("seed"),
       honoured("auto_detail"),
       honoured("priority"),
       honoured("cache_salt"),
       honoured("timeout"),
       honoured("request_id"),
       refused("stream", "the boxes of all phrases are given at once", "false"),
       refused("images", "boxes are those of one image", "[]"),
       ignored("user")}};
  return table;
}

const FieldTable& tokenize_fields() {
  static const FieldTable table{"POST /tokenize",
                                {honoured("model"), honoured("prompt"), honoured("messages"), honoured("add_special_tokens"),
                                 honoured("return_token_strs"), honoured("continue_final_message"),
                                 honoured("add_generation_prompt"), refused("tools", "the model has no tool format", "[]"),
                                 refused("chat_template", "the layout of a conversation is the model's own"),
                                 refused("chat_template_kwargs", "the layout of a conversation is the model's own", "{}"),
                                 ignored("mm_processor_kwargs")}};
  return table;
}

const FieldTable& detokenize_fields() {
  static const FieldTable table{"POST /detokenize", {honoured("model"), honoured("tokens")}};
  return table;
}

std::vector<const FieldTable*> all_field_tables() {
  return {&chat_fields(), &completion_fields(), &response_fields(), &grounding_fields(), &tokenize_fields(), &detokenize_fields()};
}

const char* field_use_name(FieldUse use) {
  switch (use) {
    case FieldUse::kHonoured:
      return "honoured";
    case FieldUse::kIgnored:
      return "ignored";
    case FieldUse::kRefused:
      break;
  }
  return "refused";
}

}  // namespace spyhop
