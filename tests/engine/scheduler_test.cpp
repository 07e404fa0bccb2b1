#include "engine/scheduler.h"

#include <gtest/gtest.h>

#include <memory>

#include "support/fake_model.h"

namespace spyhop {
namespace {

using Counts = std::vector<int>;

struct Ask {
  int num_prompt = 10;
  int n = 1;
  int priority = 0;
  int32_t token = -1;  // all of the prompt; -1: another one for each request, so that no two share a prefix
};

class SchedulerTest : public ::testing::Test {
 protected:
  Scheduler& start(int num_blocks, const SchedulerLimits& limits = {}) {
    blocks_ = std::make_unique<BlockPool>(num_blocks, 16);
    scheduler_ = std::make_unique<Scheduler>(limits, *blocks_);
    return *scheduler_;
  }

  Request& add(const Ask& ask) {
    auto request = std::make_unique<Request>();
    const int32_t token = ask.token >= 0 ? ask.token : static_cast<int32_t>(requests_.size());
    request->prompt.token_ids.assign(static_cast<size_t>(ask.num_prompt), token);
    request->max_tokens = 1000;
    request->chat.priority = ask.priority;
    request->arrival = requests_.size();
    for (int choice = 0; choice < ask.n; ++choice) {
      request->sequences.push_back(std::make_unique<Sequence>(*request, choice, SequenceContext{tokenizer_, 300, 16}, 1));
    }
    requests_.push_back(std::move(request));
    scheduler_->add(*requests_.back());
    return *requests_.back();
  }

  Request& add_with_image(int num_before, int num_image_tokens) {
    Request& request = *requests_.emplace_back(std::make_unique<Request>());
    request.prompt.token_ids.assign(static_cast<size_t>(num_before + num_image_tokens + 5), 7);
    request.prompt.images.push_back({{1, 1}, num_before, num_image_tokens, {}, "image"});
    request.image_encoded = {false};
    request.max_tokens = 1000;
    request.arrival = requests_.size();
    request.sequences.push_back(std::make_unique<Sequence>(request, 0, SequenceContext{tokenizer_, 300, 16}, 1));
    scheduler_->add(request);
    return request;
  }

  /// As the engine does after a step; a sequence whose last token was computed gets a next one.
  void finish(const Step& step) {
    for (const ScheduledSequence& scheduled : step.sequences) {
      scheduler_->mark_computed(scheduled);
      if (scheduled.sequence->num_left() == 0) scheduled.sequence->append({'y', 0, {}});
    }
  }

  Counts step() {
    const Step step = scheduler_->schedule();
    finish(step);
    Counts counts;
    for (const ScheduledSequence& scheduled : step.sequences) counts.push_back(scheduled.num_tokens);
    return counts;
  }

  std::vector<const Request*> step_requests() {
    const Step step = scheduler_->schedule();
    finish(step);
    std::vector<const Request*> requests;
    for (const ScheduledSequence& scheduled : step.sequences) requests.push_back(&scheduled.sequence->request());
    return requests;
  }

  static Sequence* first_of(Request& request) { return request.sequences.front().get(); }

  FakeTokenizer tokenizer_;
  std::unique_ptr<BlockPool> blocks_;  // outlives the tables of requests_
  std::unique_ptr<Scheduler> scheduler_;
  std::vector<std::unique_ptr<Request>> requests_;
};

TEST_F(SchedulerTest, CutsALongPromptIntoChunks) {
  start(100, {8, 512});
  add({1100});
  EXPECT_EQ(step(), Counts{512});
  EXPECT_EQ(step(), Counts{512});
  EXPECT_EQ(step(), Counts{76});
  EXPECT_EQ(step(), Counts{1});
}

TEST_F(SchedulerTest, DecodingSequencesTakePartInEveryStepAndCountInItsTokens) {
  SchedulerLimits limits;
  limits.max_interleaved_tokens = 1000;
  start(200, limits);
  add({10});
  step();
  add({1000});
  EXPECT_EQ(step(), (Counts{1, 511}));
}

TEST_F(SchedulerTest, PromptsComeInSmallerChunksWhileOthersDecode) {
  start(200);
  Request& decoding = add({10});
  step();
  add({1000});
  EXPECT_EQ(step(), (Counts{1, 128}));
  EXPECT_EQ(step(), (Counts{1, 128}));
  scheduler_->remove(first_of(decoding));
  EXPECT_EQ(step(), Counts{512});
}

TEST_F(SchedulerTest, APromptGetsOnHoweverManyDecode) {
  start(200, {8, 2});
  for (int i = 0; i < 3; ++i) add({2});
  for (int i = 0; i < 6; ++i) step();
  add({5});
  EXPECT_EQ(step(), (Counts{1, 1, 1, 1}));
  EXPECT_EQ(requests_.back()->sequences.front()->num_computed(), 1);
}

TEST_F(SchedulerTest, SeveralPromptsShareTheStepOldestFirst) {
  start(200, {8, 100});
  add({60});
  add({60});
  add({60});
  EXPECT_EQ(step(), (Counts{60, 40}));
}

TEST_F(SchedulerTest, RunsAtMostTheAllowedNumberAndAdmitsTheNextWhenOneEnds) {
  start(200, {1, 512});
  Request& first = add({10});
  Request& second = add({10});
  EXPECT_EQ(step_requests(), (std::vector<const Request*>{&first}));
  EXPECT_EQ(scheduler_->num_waiting(), 1);
  scheduler_->remove(first_of(first));
  EXPECT_EQ(step_requests(), (std::vector<const Request*>{&second}));
}

TEST_F(SchedulerTest, ARequestThatDoesNotFitYetIsNotOvertakenByASmallerOne) {
  start(4);
  Request& first = add({30});
  add({40});
  add({5});
  EXPECT_EQ(step(), Counts{30});
  EXPECT_EQ(scheduler_->num_waiting(), 2);
  scheduler_->remove(first_of(first));
  EXPECT_EQ(step(), (Counts{40, 5}));
}

TEST_F(SchedulerTest, RemovingFreesBlocksOfRunningAndWaiting) {
  start(4, {1, 512});
  Request& running = add({20});
  Request& waiting = add({20});
  step();
  scheduler_->remove(first_of(waiting));
  scheduler_->remove(first_of(running));
  EXPECT_EQ(blocks_->num_free(), 4);
  EXPECT_TRUE(scheduler_->schedule().empty());
}

TEST_F(SchedulerTest, SmallerPriorityNumbersGoFirst) {
  start(200, {1, 512});
  Request& running = add({10});
  step();
  add({10, 1, /*priority=*/0});
  Request& urgent = add({10, 1, /*priority=*/-5});
  scheduler_->remove(first_of(running));
  EXPECT_EQ(step_requests(), (std::vector<const Request*>{&urgent}));
}

TEST_F(SchedulerTest, ARequestThatIsOvertakenOftenEnoughGoesFirst) {
  start(200, {1, 512, /*prefix_caching=*/false, /*max_overtaken=*/3});
  Request& humble = add({10, 1, /*priority=*/9});
  int num_before = 0;
  for (; num_before < 10; ++num_before) {
    Request& urgent = add({10, 1, /*priority=*/-1});
    const auto ran = step_requests();
    if (ran.front() == &humble) break;
    scheduler_->remove(first_of(urgent));
  }
  EXPECT_EQ(num_before, 3);
}

TEST_F(SchedulerTest, ThePromptBeforeAnImageDoesNotWaitForIt) {
  start(200);
  Request& with_image = add_with_image(20, 30);
  Step first = scheduler_->schedule();
  ASSERT_TRUE(first.encode);
  EXPECT_EQ(first.encode->request, &with_image);
  ASSERT_EQ(first.sequences.size(), 1U);
  EXPECT_EQ(first.sequences[0].num_tokens, 20);
  finish(first);
  const Step second = scheduler_->schedule();
  EXPECT_TRUE(second.encode);
  EXPECT_TRUE(second.sequences.empty());
  with_image.image_encoded[0] = true;
  const Step third = scheduler_->schedule();
  EXPECT_FALSE(third.encode);
  EXPECT_EQ(third.sequences[0].num_tokens, 35);
}

TEST_F(SchedulerTest, OthersGoOnWhileAPromptWaitsForItsImage) {
  start(200);
  add_with_image(0, 30);
  Request& text = add({10});
  EXPECT_EQ(step_requests(), (std::vector<const Request*>{&text}));
  EXPECT_EQ(step_requests(), (std::vector<const Request*>{&text}));
}

TEST_F(SchedulerTest, AnImageComesInLargeSlicesAloneAndInSmallOnesWhileOthersDecode) {
  start(200);
  add_with_image(0, 30);
  EXPECT_EQ(scheduler_->schedule().encode->num_layers, 32);
  add({10});
  EXPECT_EQ(step(), Counts{10});
  const Step beside = scheduler_->schedule();
  EXPECT_EQ(beside.sequences.size(), 1U);
  EXPECT_EQ(beside.encode->num_layers, 3);
}

TEST_F(SchedulerTest, WhileOthersDecodeSlicesOfImagesAndChunksOfPromptsTakeTurns) {
  start(200);
  add({10});
  step();
  add_with_image(0, 30);
  Request& text = add({600});
  for (int i = 0; i < 3; ++i) {
    const Step slice = scheduler_->schedule();
    EXPECT_TRUE(slice.encode);
    EXPECT_EQ(slice.sequences.size(), 1U);
    finish(slice);
    const Step chunk = scheduler_->schedule();
    EXPECT_FALSE(chunk.encode);
    ASSERT_EQ(chunk.sequences.size(), 2U);
    EXPECT_EQ(&chunk.sequences[1].sequence->request(), &text);
    finish(chunk);
  }
  scheduler_->remove(first_of(text));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(scheduler_->schedule().encode) << "a turn that nobody takes is not lost";
}

TEST_F(SchedulerTest, TheFirstInOrderGetsItsImageFirst) {
  start(200);
  Request& first = add_with_image(0, 30);
  Request& second = add_with_image(0, 30);
  EXPECT_EQ(scheduler_->schedule().encode->request, &first);
  EXPECT_EQ(scheduler_->schedule().encode->request, &first);
  first.image_encoded[0] = true;
  EXPECT_EQ(scheduler_->schedule().encode->request, &second);
}

TEST_F(SchedulerTest, TheLastInOrderGivesItsBlocksUpWhenThereAreNoneLeft) {
  start(4);
  Request& first = add({31});
  Request& second = add({31});
  EXPECT_EQ(step(), (Counts{31, 31}));
  EXPECT_EQ(step(), (Counts{1, 1}));  // 32 tokens in the cache, and a 33rd to come: both tables are full
  EXPECT_EQ(step_requests(), (std::vector<const Request*>{&first}));
  EXPECT_EQ(second.num_preemptions, 1);
  EXPECT_EQ(first.num_preemptions, 0);
  EXPECT_EQ(scheduler_->num_waiting(), 1);
}

TEST_F(SchedulerTest, APreemptedSequenceIsComputedAnewWithItsAnswerSoFar) {
  start(4);
  Request& first = add({31});
  Request& second = add({31});
  for (int i = 0; i < 3; ++i) step();
  scheduler_->remove(first_of(first));
  const int num_tokens = first_of(second)->num_tokens();
  EXPECT_EQ(num_tokens, 33);
  const Counts counts = step();
  ASSERT_EQ(counts.size(), 1U);
  EXPECT_EQ(first_of(second)->num_generated(), 3);
  EXPECT_EQ(first_of(second)->num_computed(), num_tokens);
}

TEST_F(SchedulerTest, EverySequenceThatFitsAloneEndsHoweverFewBlocksThereAre) {
  start(4);
  for (int i = 0; i < 12; ++i) add({20 + i});
  int num_ended = 0;
  for (int i = 0; i < 5000 && num_ended < 12; ++i) {
    step();
    for (auto& request : requests_) {
      Sequence* sequence = first_of(*request);
      if (sequence->num_generated() < 30 || sequence->blocks.ids().empty()) continue;
      scheduler_->remove(sequence);
      ++num_ended;
    }
  }
  EXPECT_EQ(num_ended, 12);
  EXPECT_EQ(blocks_->num_free(), 4);
}

TEST_F(SchedulerTest, AKnownPrefixIsNotComputedAgain) {
  start(200, {8, 512, /*prefix_caching=*/true});
  Request& first = add({40, 1, 0, /*token=*/5});
  step();
  Request& second = add({50, 1, 0, /*token=*/5});
  EXPECT_EQ(step(), (Counts{1, 18}));
  EXPECT_EQ(first.num_cached, 0);
  EXPECT_EQ(second.num_cached, 32);
}

TEST_F(SchedulerTest, TheLastTokenOfAKnownPromptIsComputedForItsLogits) {
  start(200, {8, 512, /*prefix_caching=*/true});
  Request& first = add({32, 1, 0, /*token=*/5});
  step();
  scheduler_->remove(first_of(first));
  Request& second = add({32, 1, 0, /*token=*/5});
  EXPECT_EQ(step(), Counts{16});
  EXPECT_EQ(second.num_cached, 16);
}

TEST_F(SchedulerTest, AnAnswerIsKnownToTheNextTurnToo) {
  start(200, {8, 512, /*prefix_caching=*/true});
  Request& first = add({30, 1, 0, /*token=*/'y'});  // the answer's tokens are all 'y' as well
  for (int i = 0; i < 20; ++i) step();
  scheduler_->remove(first_of(first));
  Request& next_turn = add({60, 1, 0, /*token=*/'y'});
  step();
  EXPECT_EQ(next_turn.num_cached, 48);
}

TEST_F(SchedulerTest, AnswersOfOneRequestShareItsPrompt) {
  start(200);
  Request& request = add({40, /*n=*/3});
  EXPECT_EQ(step(), Counts{39});
  const Step forked = scheduler_->schedule();
  EXPECT_EQ(forked.sequences.size(), 3U);
  EXPECT_EQ(forked.copies.size(), 2U) << "two copy the block that they go on writing, the last keeps it";
  for (const ScheduledSequence& scheduled : forked.sequences) {
    EXPECT_EQ(scheduled.num_tokens, 1);
    EXPECT_EQ(scheduled.sequence->blocks.ids()[0], first_of(request)->blocks.ids()[0]);
    EXPECT_EQ(scheduled.sequence->blocks.ids()[1], first_of(request)->blocks.ids()[1]);
  }
  EXPECT_NE(forked.sequences[0].sequence->blocks.ids()[2], forked.sequences[1].sequence->blocks.ids()[2]);
  EXPECT_NE(forked.sequences[1].sequence->blocks.ids()[2], forked.sequences[2].sequence->blocks.ids()[2]);
  EXPECT_EQ(blocks_->num_free(), 200 - 5);
}

TEST_F(SchedulerTest, AnswersBeyondTheRunningLimitFollowAsOthersEnd) {
  start(200, {2, 512});
  Request& request = add({40, /*n=*/4});
  step();
  step();
  EXPECT_EQ(scheduler_->num_running(), 2);
  EXPECT_EQ(scheduler_->num_waiting(), 2);
  scheduler_->remove(request.sequences[0].get());
  scheduler_->remove(request.sequences[1].get());
  EXPECT_EQ(step(), (Counts{1, 1}));
  scheduler_->remove(request.sequences[2].get());
  scheduler_->remove(request.sequences[3].get());
  EXPECT_EQ(blocks_->num_free(), 200);
}

}  // namespace
}  // namespace spyhop
