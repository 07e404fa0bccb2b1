// What a request wants done with its pictures, in one word.
#pragma once

#include <string>

#include "api/object_reader.h"
#include "spyhop/chat.h"

namespace spyhop {

/// Of the fields "task", "auto_detail" and "loop_guard".
struct TaskFields {
  bool wants_boxes = false;  // the answer is to be parsed for boxes even where it holds none
};

/// Reads them into the request, whose messages are there already, and builds the task's prompt out of its last message:
///   chat (the default)   as it stands;
///   locate               the message's text is what is to be found: "<|ref|>TEXT<|/ref|>."; boxes are held to their form;
///   grounded_caption     "<|grounding|>" before the text, "Describe the image." where there is none;
///   ocr                  the text, "Read the text." where there is none.
/// The images of the message come first, each on a line of its own. The loop guard is on for locate and ocr unless the request
/// says otherwise. Throws Error{kInvalidRequest}: an unknown task, no image, a last message that is not the user's, a locate
/// without text, texts that hold grounding tokens already, fields that contradict the task.
TaskFields apply_task(const ObjectReader& body, ChatRequest& request);

/// Makes `request` ask where `phrase` is, as task "locate" does: about the images of its last message, held to boxes, with the
/// loop guard. `param`: the field that the phrase is from. Throws Error{kInvalidRequest} for an empty one or grounding tokens.
void ask_to_locate(ChatRequest& request, const std::string& phrase, const std::string& param);

}  // namespace spyhop
