#include "engine/scheduler.h"

#include <gtest/gtest.h>

#include <memory>

#include "support/fake_model.h"

namespace spyhop {
namespace {

class SchedulerTest : public ::testing::Test {
 protected:
  BlockPool& make_blocks(int num_blocks, int block_size) {
    blocks_ = std::make_unique<BlockPool>(num_blocks, block_size);
    return *blocks_;
  }

  Sequence* add(Scheduler& scheduler, int num_prompt, int max_tokens, int num_tiles = 0) {
    auto request = std::make_unique<Request>();
    request->prompt.token_ids.assign(static_cast<size_t>(num_prompt), 'x');
    request->max_tokens = max_tokens;
    request->num_tiles = num_tiles;
    request->sequences.push_back(std::make_unique<Sequence>(*request, 0, tokenizer_, 300, 1));
    Sequence* sequence = request->sequences[0].get();
    scheduler.add(sequence);
    requests_.push_back(std::move(request));
    return sequence;
  }

  /// As the engine does after a step; a sequence whose last token was computed gets a next one.
  static void finish(const Step& step) {
    for (const ScheduledSequence& scheduled : step.sequences) {
      scheduled.sequence->mark_computed(scheduled.num_tokens);
      if (scheduled.sequence->num_computed() == scheduled.sequence->num_tokens()) scheduled.sequence->append({'y', 0, {}});
    }
  }

  static std::vector<int> counts(const Step& step) {
    std::vector<int> result;
    for (const ScheduledSequence& scheduled : step.sequences) result.push_back(scheduled.num_tokens);
    return result;
  }

  FakeTokenizer tokenizer_;
  std::unique_ptr<BlockPool> blocks_;  // outlives the tables of requests_
  std::vector<std::unique_ptr<Request>> requests_;
};

TEST_F(SchedulerTest, CutsALongPromptIntoChunks) {
  BlockPool& blocks = make_blocks(100, 16);
  Scheduler scheduler({8, 512}, blocks);
  add(scheduler, 1100, 4);
  std::vector<std::vector<int>> steps;
  for (int i = 0; i < 4; ++i) {
    const Step step = scheduler.schedule();
    steps.push_back(counts(step));
    finish(step);
  }
  EXPECT_EQ(steps, (std::vector<std::vector<int>>{{512}, {512}, {76}, {1}}));
}

TEST_F(SchedulerTest, DecodingSequencesTakePartInEveryStep) {
  BlockPool& blocks = make_blocks(200, 16);
  Scheduler scheduler({8, 512}, blocks);
  add(scheduler, 10, 50);
  finish(scheduler.schedule());
  add(scheduler, 1000, 50);
  const Step step = scheduler.schedule();
  EXPECT_EQ(counts(step), (std::vector<int>{1, 512}));
}

TEST_F(SchedulerTest, SeveralPromptsShareTheBudgetOldestFirst) {
  BlockPool& blocks = make_blocks(200, 16);
  Scheduler scheduler({8, 100}, blocks);
  add(scheduler, 60, 1);
  add(scheduler, 60, 1);
  add(scheduler, 60, 1);
  EXPECT_EQ(counts(scheduler.schedule()), (std::vector<int>{60, 40}));
}

TEST_F(SchedulerTest, RunsAtMostTheAllowedNumberAndAdmitsTheNextWhenOneEnds) {
  BlockPool& blocks = make_blocks(200, 16);
  Scheduler scheduler({1, 512}, blocks);
  Sequence* first = add(scheduler, 10, 5);
  Sequence* second = add(scheduler, 10, 5);
  EXPECT_EQ(scheduler.schedule().sequences.size(), 1U);
  EXPECT_EQ(scheduler.num_waiting(), 1);
  scheduler.remove(first);
  const Step step = scheduler.schedule();
  ASSERT_EQ(step.sequences.size(), 1U);
  EXPECT_EQ(step.sequences[0].sequence, second);
}

TEST_F(SchedulerTest, WaitsForTheBlocksOfTheLongestAnswerInOrderOfArrival) {
  BlockPool& blocks = make_blocks(4, 16);
  Scheduler scheduler({8, 512}, blocks);
  Sequence* first = add(scheduler, 16, 32);
  add(scheduler, 16, 32);
  add(scheduler, 8, 8);  // would fit, but must not overtake
  EXPECT_EQ(scheduler.schedule().sequences.size(), 1U);
  EXPECT_EQ(blocks.num_free(), 1);
  scheduler.remove(first);
  EXPECT_EQ(scheduler.schedule().sequences.size(), 2U);
  EXPECT_EQ(blocks.num_free(), 0);
}

TEST_F(SchedulerTest, RemovingFreesBlocksOfRunningAndWaiting) {
  BlockPool& blocks = make_blocks(4, 16);
  Scheduler scheduler({1, 512}, blocks);
  Sequence* running = add(scheduler, 16, 16);
  Sequence* waiting = add(scheduler, 16, 16);
  scheduler.schedule();
  scheduler.remove(waiting);
  scheduler.remove(running);
  EXPECT_EQ(blocks.num_free(), 4);
  EXPECT_TRUE(scheduler.schedule().empty());
}

TEST_F(SchedulerTest, APromptWaitsForItsImagesWhileOthersGoOn) {
  BlockPool& blocks = make_blocks(200, 16);
  Scheduler scheduler({8, 512}, blocks);
  Sequence* with_image = add(scheduler, 20, 5, /*num_tiles=*/2);
  Sequence* text = add(scheduler, 10, 5);
  Step step = scheduler.schedule();
  EXPECT_EQ(step.encode, &with_image->request());
  ASSERT_EQ(step.sequences.size(), 1U);
  EXPECT_EQ(step.sequences[0].sequence, text);
  finish(step);
  with_image->request().num_encoded_tiles = 2;
  step = scheduler.schedule();
  EXPECT_EQ(step.encode, nullptr);
  EXPECT_EQ(counts(step), (std::vector<int>{1, 20}));
}

}  // namespace
}  // namespace spyhop
