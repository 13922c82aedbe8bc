// llhttp, the HTTP/1.1 parser of Node.js, as Debian's package node-llhttp ships it (C sources).
#pragma once
// The strict of its two generated machines: CR must meet LF, and URLs hold only URL characters.
#define LLHTTP_STRICT_MODE 1
#include "/usr/share/include/llhttp/llhttp.h"
