// The live page's files and the description of the HTTP interface, compiled into the program.
#pragma once
#include <stddef.h>

const unsigned char *_Nonnull vx_console_html_start(void);
extern const size_t vx_console_html_size;
const unsigned char *_Nonnull vx_console_js_start(void);
extern const size_t vx_console_js_size;
const unsigned char *_Nonnull vx_console_css_start(void);
extern const size_t vx_console_css_size;
const unsigned char *_Nonnull vx_openapi_start(void);
extern const size_t vx_openapi_size;

/// A part of the page's script, served as `/console/<name>.js`.
struct vx_console_module {
  const char *_Nonnull name;
  const unsigned char *_Nonnull start;
  size_t size;
};
extern const int vx_console_module_count;
/// The module number `index`, from 0.
struct vx_console_module vx_console_module_at(int index);
