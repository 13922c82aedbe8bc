// llhttp, the HTTP/1.1 parser of Node.js, as Debian's package node-llhttp ships it (C sources).
#pragma once
#include "/usr/share/include/llhttp/llhttp.h"
