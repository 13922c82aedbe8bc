// The live page's files, compiled into the program.
#pragma once
#include <stddef.h>
extern const unsigned char vx_console_html[];
extern const size_t vx_console_html_size;
extern const unsigned char vx_console_js[];
extern const size_t vx_console_js_size;
extern const unsigned char vx_console_css[];
extern const size_t vx_console_css_size;
