#include "CConsole.h"

// #embed is standard C23; the compiler has it in every mode.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char html[] = {
#embed "index.html"
};
static const unsigned char js[] = {
#embed "console.js"
};
static const unsigned char words[] = {
#embed "console/words.js"
};
static const unsigned char elements[] = {
#embed "console/elements.js"
};
static const unsigned char survey[] = {
#embed "console/survey.js"
};
static const unsigned char painter[] = {
#embed "console/painter.js"
};
static const unsigned char relief[] = {
#embed "console/relief.js"
};
static const unsigned char roads[] = {
#embed "console/roads.js"
};
static const unsigned char chart[] = {
#embed "console/chart.js"
};
static const unsigned char scene[] = {
#embed "console/scene.js"
};
static const unsigned char live[] = {
#embed "console/live.js"
};
static const unsigned char panel[] = {
#embed "console/panel.js"
};
static const unsigned char forks[] = {
#embed "console/forks.js"
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

#define MODULE(name) {#name, name, sizeof name}
static const struct vx_console_module modules[] = {
    MODULE(words), MODULE(elements), MODULE(survey), MODULE(painter), MODULE(relief),
    MODULE(roads), MODULE(chart),    MODULE(scene),  MODULE(live),    MODULE(panel),
    MODULE(forks),
};
const int vx_console_module_count = sizeof modules / sizeof modules[0];
struct vx_console_module vx_console_module_at(int index) { return modules[index]; }
