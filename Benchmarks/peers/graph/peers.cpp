// Does what a plan says on the grid of a world file and tells how long each step took.
//
//   peers plain|boost WORLD PLAN ANSWERS
//
// A plan has a step a line (run.py draws them):
//   t NODE         a treasure lies there; their ids are 1, 2, ...
//   f              the field of all treasures, from nothing
//   e NODE K M     the step from NODE in direction K gets the multiplier M, 1...255
//   c              the field holds all changes; here it is computed again
//   p A B, w A B   what the cheapest way from A to B costs; near and across the world
//   n NODE K       the K treasures that are nearest by walking, of those as near the lowest ids
// The answers go to a file, a line each; the times to stdout as JSON, in ns.
#include "boost.hpp"
#include "plain.hpp"
#include <chrono>
#include <iostream>
#include <map>
#include <sstream>

static int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

template <class Peer> struct Run {
  World &world;
  std::ostream &answers;
  Peer peer;
  std::vector<uint32_t> treasures;
  std::vector<uint32_t> treasureAt;
  std::map<std::string, std::vector<int64_t>> times;
  bool isSearching = false;

  Run(World &world, std::ostream &answers)
      : world(world), answers(answers), peer(world), treasureAt(world.nodes, 0) {}

  template <class Body> void time(const std::string &kind, Body body) {
    const int64_t start = now();
    body();
    times[kind].push_back(now() - start);
  }

  void tellField() {
    uint64_t distances = 0xcbf29ce484222325, owners = distances;
    for (uint32_t node = 0; node < world.nodes; node++) {
      distances = (distances ^ peer.distance(node)) * 0x100000001b3;
      owners = (owners ^ peer.owner(node)) * 0x100000001b3;
    }
    answers << "field " << distances << ' ';
    if (Peer::knowsOwners) answers << owners << '\n'; else answers << "-\n";
  }

  void computeField(const std::string &kind) {
    isSearching = false;
    time(kind, [&] { peer.field(treasures); });
    tellField();
  }

  void searches() {
    if (!isSearching) peer.prepare();
    isSearching = true;
  }

  void path(const std::string &kind, uint32_t start, uint32_t goal) {
    searches();
    int64_t cost = -1;
    time(kind, [&] {
      peer.search(start, [&](uint32_t node, uint32_t there) {
        if (node != goal) return true;
        cost = there;
        return false;
      });
    });
    answers << "cost " << cost << '\n';
  }

  void near(uint32_t start, size_t count) {
    searches();
    std::vector<std::pair<uint32_t, uint32_t>> found;
    time("near" + std::to_string(count), [&] {
      found.clear();
      peer.search(start, [&](uint32_t node, uint32_t cost) {
        // Of those as near as the last, the lowest ids count.
        if (found.size() >= count && cost > found[count - 1].first) return false;
        if (treasureAt[node]) {
          found.push_back({cost, treasureAt[node]});
          std::sort(found.begin(), found.end());
          if (found.size() > count) found.resize(count);
        }
        return true;
      });
    });
    answers << "near";
    for (auto [cost, id] : found) answers << ' ' << id << ':' << cost;
    answers << '\n';
  }

  void step(std::istringstream &line) {
    char kind = 0;
    uint32_t a = 0, b = 0, c = 0;
    line >> kind >> a >> b >> c;
    if (a >= world.nodes) throw std::runtime_error("a node outside the world");
    switch (kind) {
    case 't':
      treasures.push_back(a);
      if (!treasureAt[a]) treasureAt[a] = uint32_t(treasures.size());
      break;
    case 'f': return computeField("field");
    case 'c': return computeField("again");
    case 'e':
      if (b >= uint32_t(world.degree) || !world.cost(a, int(b)))
        throw std::runtime_error("a step that is not open");
      world.multipliers[size_t(a) * size_t(world.degree) + b] = uint8_t(c);
      return peer.change(a, int(b));
    case 'p': return path("path", a, b);
    case 'w': return path("whole", a, b);
    case 'n': return near(a, b);
    default: throw std::runtime_error("a line that is no step");
    }
  }
};

template <class Peer> static void run(char **arguments) {
  World world(arguments[2]);
  std::ifstream plan(arguments[3]);
  std::ofstream answers(arguments[4]);
  Run<Peer> run(world, answers);
  for (std::string line; std::getline(plan, line);) {
    std::istringstream words(line);
    run.step(words);
  }
  answers.flush();
  if (!plan.eof() || !answers) throw std::runtime_error("a file that cannot be read or written");
  std::cout << '{';
  const char *comma = "";
  for (auto &[kind, samples] : run.times) {
    std::cout << comma << '"' << kind << "\":[";
    for (size_t at = 0; at < samples.size(); at++) std::cout << (at ? "," : "") << samples[at];
    std::cout << ']';
    comma = ",";
  }
  std::cout << "}\n";
}

int main(int count, char **arguments) {
  const std::string peer = count == 5 ? arguments[1] : "";
  try {
    if (peer == Plain::name) run<Plain>(arguments);
    else if (peer == Boost::name) run<Boost>(arguments);
    else return std::cerr << "usage: peers plain|boost WORLD PLAN ANSWERS\n", 2;
  } catch (const std::exception &fault) {
    return std::cerr << "peers: " << fault.what() << '\n', 1;
  }
}
