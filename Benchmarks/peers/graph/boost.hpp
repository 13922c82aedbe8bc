// The Boost Graph Library: compressed sparse rows, its Dijkstra with its four-ary heap.
//
// A whole field is one call of `dijkstra_shortest_paths` with all treasures as sources, over the
// reversed graph. A search is what `dijkstra_shortest_paths_no_init` does inside, a best-first
// `breadth_first_visit` with the library's heap and visitor, but over maps that are kept and reset
// where they were touched: the library's own call fills a map of all nodes each time, which takes
// longer than a near search does.
#pragma once
#include "world.hpp"
#include <boost/graph/compressed_sparse_row_graph.hpp>
#include <boost/graph/dijkstra_shortest_paths.hpp>

class Boost {
  struct Cost { uint32_t cost; };
  using Graph = boost::compressed_sparse_row_graph<
      boost::directedS, boost::no_property, Cost, boost::no_property, uint32_t, uint32_t>;
  using Vertex = uint32_t;

public:
  static constexpr const char *name = "boost";
  static constexpr bool knowsOwners = false;

  explicit Boost(World &world)
      : world(world), forward(make(world, false)), reversed(make(world, true)),
        distances(world.nodes, World::none), from(world.nodes), places(world.nodes),
        colours(world.nodes) {}

  /// A step's multiplier has changed.
  void change(uint32_t node, int k) {
    const uint32_t head = world.beside(node, k);
    set(forward, node, head, world.cost(node, k));
    set(reversed, head, node, world.cost(node, k));
  }

  void field(const std::vector<uint32_t> &treasures) {
    boost::dijkstra_shortest_paths(
        reversed, treasures.begin(), treasures.end(), boost::dummy_property_map(), map(distances),
        boost::get(&Cost::cost, reversed), boost::get(boost::vertex_index, reversed),
        std::less<uint32_t>(), boost::closed_plus<uint32_t>(World::none), World::none, 0u,
        boost::default_dijkstra_visitor());
  }
  uint32_t distance(uint32_t node) const { return distances[node]; }
  uint32_t owner(uint32_t) const { return 0; }

  void prepare() {
    forget();
    std::fill(distances.begin(), distances.end(), World::none);
  }

  template <class Visit> void search(uint32_t start, Visit visit) {
    forget();
    using Heap = boost::d_ary_heap_indirect<
        Vertex, 4, Map<size_t>, Map<uint32_t>, std::less<uint32_t>>;
    using Costs = boost::property_map<Graph, uint32_t Cost::*>::type;
    Heap heap(map(distances), map(places), std::less<uint32_t>());
    Guide<Visit> guide({}, &visit, &touched, distances.data());
    boost::detail::dijkstra_bfs_visitor<
        Guide<Visit>, Heap, Costs, Map<uint32_t>, Map<uint32_t>, boost::closed_plus<uint32_t>,
        std::less<uint32_t>>
        visitor(guide, heap, boost::get(&Cost::cost, forward), map(from), map(distances),
                boost::closed_plus<uint32_t>(World::none), std::less<uint32_t>(), 0u);
    distances[start] = 0;
    Vertex sources[] = {start};
    try {
      boost::breadth_first_visit(forward, sources, sources + 1, heap, visitor, colours);
    } catch (Enough) {
    }
  }

private:
  void forget() {
    for (uint32_t node : touched) {
      distances[node] = World::none;
      put(colours, node, boost::two_bit_white);
    }
    touched.clear();
  }

  template <class Value>
  using Map = boost::iterator_property_map<Value *, boost::typed_identity_property_map<uint32_t>>;
  template <class Value> static Map<Value> map(std::vector<Value> &values) {
    return Map<Value>(values.data());
  }

  struct Enough {};
  template <class Visit> struct Guide : boost::default_dijkstra_visitor {
    Visit *visit;
    std::vector<uint32_t> *touched;
    uint32_t *distances;
    Guide(boost::default_dijkstra_visitor, Visit *visit, std::vector<uint32_t> *touched,
          uint32_t *distances)
        : visit(visit), touched(touched), distances(distances) {}
    void discover_vertex(Vertex node, const Graph &) { touched->push_back(node); }
    void examine_vertex(Vertex node, const Graph &) {
      if (!(*visit)(node, distances[node])) throw Enough{};
    }
  };

  static Graph make(const World &world, bool isReversed) {
    std::vector<std::pair<uint32_t, uint32_t>> ends;
    std::vector<Cost> costs;
    for (uint32_t node = 0; node < world.nodes; node++)
      for (int k = 0; k < world.degree; k++) {
        const uint32_t other = world.beside(node, k);
        if (other == World::none) continue;
        const uint32_t cost =
            isReversed ? world.cost(other, world.back(k)) : world.cost(node, k);
        if (cost == 0) continue;
        ends.push_back({node, other});
        costs.push_back({cost});
      }
    return Graph(boost::edges_are_sorted, ends.begin(), ends.end(), costs.begin(), world.nodes);
  }

  static void set(Graph &graph, uint32_t tail, uint32_t head, uint32_t cost) {
    const auto [edge, isThere] = boost::edge(tail, head, graph);
    if (!isThere) throw std::runtime_error("no such edge");
    graph[edge].cost = cost;
  }

  World &world;
  Graph forward, reversed;
  std::vector<uint32_t> distances, from;
  std::vector<size_t> places;
  boost::two_bit_color_map<> colours;
  std::vector<uint32_t> touched;
};
