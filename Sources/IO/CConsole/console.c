#include "CConsole.h"

// #embed is standard C23; the compiler has it in every mode.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char html[] = {
#embed "index.html"
};
static const unsigned char js[] = {
#embed "console.js"
};
static const unsigned char css[] = {
#embed "console.css"
};
static const unsigned char openapi[] = {
#embed "openapi.json"
};

const unsigned char *vx_console_html_start(void) { return html; }
const size_t vx_console_html_size = sizeof html;
const unsigned char *vx_console_js_start(void) { return js; }
const size_t vx_console_js_size = sizeof js;
const unsigned char *vx_console_css_start(void) { return css; }
const size_t vx_console_css_size = sizeof css;
const unsigned char *vx_openapi_start(void) { return openapi; }
const size_t vx_openapi_size = sizeof openapi;
