// The grid of a world file (docs/formats/world.md): blocks, open steps and what each costs.
#pragma once
#include <cstdint>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

struct World {
  static constexpr uint32_t none = UINT32_MAX;
  uint32_t width = 0, height = 0, nodes = 0;
  int degree = 4;
  /// A byte an edge, `degree` a node: the step's multiplier, 0 where there is none.
  std::vector<uint8_t> multipliers;

  explicit World(const std::string &path) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    if (!file) throw std::runtime_error(path + ": cannot be read");
    std::vector<uint8_t> bytes(size_t(file.tellg()));
    file.seekg(0);
    file.read(reinterpret_cast<char *>(bytes.data()), std::streamsize(bytes.size()));
    if (!file || bytes.size() < 4096 || std::memcmp(bytes.data(), "VXWD", 4) != 0)
      throw std::runtime_error(path + ": not a world file");
    auto word = [&](size_t at) { uint32_t v; std::memcpy(&v, &bytes[at], 4); return v; };
    auto wide = [&](size_t at) { uint64_t v; std::memcpy(&v, &bytes[at], 8); return v; };
    if (bytes[4] != 1 || bytes[6] != 1)
      throw std::runtime_error(path + ": not a grid of version 1");
    degree = bytes[7];
    width = word(8), height = word(12), nodes = word(20);
    size_t directions = 0, costs = 0;
    for (uint32_t at = 0; at < word(44); at++) {
      const size_t entry = 64 + size_t(at) * 40;
      if (wide(entry + 8) + wide(entry + 16) > bytes.size())
        throw std::runtime_error(path + ": a section lies outside the file");
      if (word(entry) == 2) directions = wide(entry + 8);
      if (word(entry) == 3) costs = wide(entry + 8);
    }
    if (!directions) throw std::runtime_error(path + ": no directions");
    multipliers.assign(size_t(nodes) * size_t(degree), 0);
    for (size_t node = 0; node < nodes; node++)
      for (int k = 0; k < degree; k++)
        if (bytes[directions + node * 2] >> k & 1)
          multipliers[node * size_t(degree) + size_t(k)] =
              costs ? bytes[costs + node * size_t(degree) + size_t(k)] : 1;
  }

  /// What a step in a direction costs by its multiplier.
  uint32_t unit(int k) const { return degree == 4 ? 1 : k & 1 ? 19601 : 13860; }

  uint32_t cost(uint32_t node, int k) const {
    return multipliers[size_t(node) * size_t(degree) + size_t(k)] * unit(k);
  }

  /// The block in a direction; `none` off the map.
  uint32_t beside(uint32_t node, int k) const {
    static const int dx[] = {1, 1, 0, -1, -1, -1, 0, 1}, dy[] = {0, 1, 1, 1, 0, -1, -1, -1};
    const int eight = degree == 4 ? k * 2 : k;
    const int64_t x = int64_t(node % width) + dx[eight], y = int64_t(node / width) + dy[eight];
    if (x < 0 || y < 0 || x >= int64_t(width) || y >= int64_t(height)) return none;
    return uint32_t(y * width + x);
  }
  int back(int k) const { return (k + degree / 2) % degree; }
};
