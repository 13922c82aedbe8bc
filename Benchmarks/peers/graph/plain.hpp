// Dijkstra's algorithm (1959) with a binary heap, as one writes it in an afternoon: the graph is
// the grid itself, nothing is deleted from the heap, searches stop at what they look for.
#pragma once
#include "world.hpp"
#include <algorithm>
#include <queue>
#include <utility>

class Plain {
public:
  explicit Plain(World &world)
      : world(world), keys(world.nodes, UINT64_MAX), from(world.nodes) {}

  static constexpr const char *name = "plain";
  static constexpr bool knowsOwners = true;

  void change(uint32_t, int) {}

  /// Nearest treasure of every node and the cost of walking there, from nothing.
  void field(const std::vector<uint32_t> &treasures) {
    std::fill(keys.begin(), keys.end(), UINT64_MAX);
    Heap heap;
    for (size_t at = 0; at < treasures.size(); at++) {
      uint64_t &key = keys[treasures[at]];
      if (key <= at + 1) continue;
      key = at + 1;
      heap.push({key, treasures[at]});
    }
    while (!heap.empty()) {
      const auto [key, node] = heap.top();
      heap.pop();
      if (keys[node] != key) continue;
      for (int k = 0; k < world.degree; k++) {
        // An edge is walked towards the treasure.
        const uint32_t tail = world.beside(node, k);
        const uint32_t cost = tail == World::none ? 0 : world.cost(tail, world.back(k));
        const uint64_t offer = key + (uint64_t(cost) << 32);
        if (cost == 0 || keys[tail] <= offer) continue;
        keys[tail] = offer;
        heap.push({offer, tail});
      }
    }
  }
  uint32_t distance(uint32_t node) const { return uint32_t(keys[node] >> 32); }
  uint32_t owner(uint32_t node) const {
    return keys[node] == UINT64_MAX ? 0 : uint32_t(keys[node]);
  }

  /// Before searches that follow a field.
  void prepare() {
    std::fill(keys.begin(), keys.end(), UINT64_MAX);
    touched.clear();
  }

  /// Settles nodes nearest first until `visit(node, cost)` is false.
  template <class Visit> void search(uint32_t start, Visit visit) {
    for (uint32_t node : touched) keys[node] = UINT64_MAX;
    touched.assign(1, start);
    Heap heap;
    keys[start] = 0;
    heap.push({0, start});
    while (!heap.empty()) {
      const auto [key, node] = heap.top();
      heap.pop();
      if (keys[node] != key) continue;
      if (!visit(node, uint32_t(key))) return;
      for (int k = 0; k < world.degree; k++) {
        const uint32_t cost = world.cost(node, k);
        if (cost == 0) continue;
        const uint32_t head = world.beside(node, k);
        if (keys[head] <= key + cost) continue;
        if (keys[head] == UINT64_MAX) touched.push_back(head);
        keys[head] = key + cost;
        from[head] = node;
        heap.push({key + cost, head});
      }
    }
  }

private:
  using Entry = std::pair<uint64_t, uint32_t>;
  using Heap = std::priority_queue<Entry, std::vector<Entry>, std::greater<Entry>>;
  World &world;
  std::vector<uint64_t> keys;
  std::vector<uint32_t> from, touched;
};
