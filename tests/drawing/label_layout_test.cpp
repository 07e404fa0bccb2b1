#include "drawing/label_layout.h"

#include <gtest/gtest.h>

namespace spyhop {
namespace {

void expect_area(const Area& area, int left, int top, int right, int bottom) {
  EXPECT_EQ(area.left, left);
  EXPECT_EQ(area.top, top);
  EXPECT_EQ(area.right, right);
  EXPECT_EQ(area.bottom, bottom);
}

TEST(LabelLayout, PutsALabelAboveItsBox) {
  expect_area(LabelLayout(200, 100).place({50, 40, 90, 80}, 30, 10), 50, 30, 80, 40);
}

TEST(LabelLayout, GoesBelowABoxAtTheTop) {
  expect_area(LabelLayout(200, 100).place({50, 3, 90, 80}, 30, 10), 50, 80, 80, 90);
}

TEST(LabelLayout, GoesInsideABoxThatFillsThePicture) {
  expect_area(LabelLayout(200, 100).place({0, 0, 200, 100}, 30, 10), 0, 0, 30, 10);
}

TEST(LabelLayout, StaysInsideAtTheRightEdge) {
  expect_area(LabelLayout(200, 100).place({190, 50, 200, 60}, 30, 10), 170, 40, 200, 50);
}

TEST(LabelLayout, LabelsOfOneBoxDoNotCoverEachOther) {
  LabelLayout layout(200, 100);
  std::vector<Area> places;
  for (int i = 0; i < 6; ++i) {
    const Area place = layout.place({60, 30, 140, 70}, 40, 12);
    for (const Area& other : places) EXPECT_FALSE(place.overlaps(other)) << i;
    EXPECT_GE(place.top, 0);
    EXPECT_LE(place.bottom, 100);
    places.push_back(place);
  }
}

TEST(LabelLayout, CoversLeastWhereThereIsNoRoom) {
  LabelLayout layout(40, 12);
  layout.place({0, 0, 40, 12}, 40, 12);
  expect_area(layout.place({0, 0, 40, 12}, 40, 12), 0, 0, 40, 12);
}

}  // namespace
}  // namespace spyhop
