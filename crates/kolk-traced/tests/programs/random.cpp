// Random numbers as C++ draws them, which come from the processor where it has some.
#include <cstdio>
#include <iostream>
#include <random>
#include <string>

int main() {
  std::random_device device;
  std::string line;
  while (std::getline(std::cin, line)) {
    std::printf("echo %s %u\n", line.c_str(), device());
    std::fflush(stdout);
  }
}
