#include "CConsole.h"

// #embed is standard C23; the compiler has it in every mode.
#pragma clang diagnostic ignored "-Wc23-extensions"

const unsigned char vx_console_html[] = {
#embed "index.html"
};
const size_t vx_console_html_size = sizeof vx_console_html;

const unsigned char vx_console_js[] = {
#embed "console.js"
};
const size_t vx_console_js_size = sizeof vx_console_js;

const unsigned char vx_console_css[] = {
#embed "console.css"
};
const size_t vx_console_css_size = sizeof vx_console_css;
