/*
 * docs/CONFIGURATION.md from the key table: what is written here is what the program accepts.
 *
 * Writes into the caller's buffer. The texts between the tables stand in `sections`, one for each
 * first part of a path; those without a text of their own go on with the table before.
 */
#include "conf_int.h"

#include "base/check.h"
#include "base/text.h"

#include <string.h>

static const char head[] =
    "# Configuration\n"
    "\n"
    "<!-- Written by `generate_configuration --write` from the key table in host/conf/keys.c. -->\n"
    "\n"
    "A configuration is YAML: maps, lists and values. The key `a.b.c` of the tables below is "
    "written\n"
    "with one name a level, each indented below the one before:\n"
    "\n"
    "```yaml\n"
    "include: [symbols.yaml, risk.yaml]\n"
    "schedule:\n"
    "  runs_at_once_max: 5\n"
    "```\n"
    "\n"
    "- A `*` in a key is a name of your choice: a symbol as `BTC/USDT`, an agent, a task.\n"
    "- A key without a default must be there, within its `*` where it has one. No limit of `risk` "
    "has a\n"
    "  default.\n"
    "- A file that includes others wins over them. The same key twice in one file, or in two "
    "files\n"
    "  included side by side, is refused. Paths of included files are relative to the including "
    "one;\n"
    "  files include one another at most 4 deep.\n"
    "- Unknown keys, wrong types and values out of range are refused before anything starts. The\n"
    "  sentence has file, line and column, and says what is allowed.\n"
    "- Numbers are written plainly, without quotes: `5`, `0.25`, `-0.05`. Flags are `true` and "
    "`false`.\n"
    "- Anchors, aliases, tags, merge keys and several documents in one file are refused.\n"
    "- A file must belong to you or to root, and nobody else may be able to write it\n"
    "  (`chmod go-w FILE`).\n"
    "- Durations carry their unit in the name of the key. Times are UTC.\n";

static const struct section {
    const char *name; /* first part of the path */
    const char *text;
} sections[] = {
    {"include", "## The file\n"},
    {"trading_mode", NULL},
    {"installation", NULL},
    {"account", NULL},
    {"symbols", "## Symbols\n\nWhat can be traded, and how the market counts it.\n"},
    {"feeds",
     "## Plugins\n\nWhere bars come from, where orders go, and who thinks in between. What "
     "stands below `config`\nis the plugin's own: its keys, types and defaults are part of "
     "the plugin, and are checked when it is\nloaded.\n"},
    {"venue", NULL},
    {"agents", NULL},
    {"plugins", NULL},
    {"tasks", "## Schedule\n\nWhich agent runs when.\n"},
    {"schedule", NULL},
    {"coordinator",
     "## Coordinator\n\nTime limits of a decision, and what happens when a loss limit is hit.\n"},
    {"decisions", NULL},
    {"bus", "## Bus\n"},
    {"market", "## Market data\n"},
    {"trade", "## Positions\n\nPercentages are of the price.\n"},
    {"portfolio",
     "## Portfolio\n\nHow the account is spread over assets, and what is put aside for good. "
     "Amounts are in account\ncurrency. Where no target is given they are BTC 33.33, XRP 33.33, "
     "USDT 33.34. The task\n`portfolio_check` of `config/orchestration.yaml` switches rebalancing "
     "on.\n"},
    {"policy", "## Policies\n\nThe Lua files that judge, their limits, and the numbers that they "
               "judge with.\n"},
    {"consensus", NULL},
    {"conflict", NULL},
    {"sizing", NULL},
    {"risk",
     "## Risk\n\nNumbers of `risk.lua`; the host enforces the limits once more after it. All "
     "of them are required.\nSizes and losses are in % of equity.\n"},
    {"replay", "## Replay and log\n"},
    {"log", NULL},
};

static bool is_section_of(const struct section *section, const char *path)
{
    size_t length = strlen(section->name);
    return strncmp(path, section->name, length) == 0 &&
           (path[length] == '.' || path[length] == '\0');
}

/* "|" would end the cell. */
static void cell(struct tg_buffer *buffer, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '|')
            tg_buffer_add(buffer, "\\", 1);
        tg_buffer_add(buffer, c, 1);
    }
}

static void type_cell(struct tg_buffer *buffer, const struct conf_key *key)
{
    static const char *const words[] = {
        [CONF_TEXT] = "text",      [CONF_CHOICE] = "",         [CONF_WHOLE] = "whole",
        [CONF_REAL] = "number",    [CONF_DECIMAL] = "decimal", [CONF_FLAG] = "flag",
        [CONF_TEXT_LIST] = "list",
    };
    char low[CONF_BOUND_SIZE];
    char high[CONF_BOUND_SIZE];
    if (conf__is_plugin_value(key)) {
        tg_buffer_text(buffer, "any");
        return;
    }
    tg_buffer_text(buffer, words[key->type]);
    if (key->type == CONF_WHOLE || key->type == CONF_REAL || key->type == CONF_DECIMAL) {
        conf__bound(key->minimum, low);
        conf__bound(key->maximum, high);
        tg_buffer_format(buffer, ", %s to %s", low, high);
    }
    if (key->choices == NULL)
        return;
    tg_buffer_text(buffer, key->type == CONF_TEXT_LIST ? " of " : "");
    for (const char *word = key->choices; *word != '\0';) {
        size_t length = strcspn(word, "|");
        tg_buffer_format(buffer, "%s`%.*s`", word == key->choices ? "" : ", ", (int)length, word);
        word += length;
        if (*word == '|')
            word++;
    }
}

static void default_cell(struct tg_buffer *buffer, const struct conf_key *key)
{
    if (key->default_text == NULL)
        tg_buffer_text(buffer, key->path[strlen(key->path) - 1] == '*' ? "" : "required");
    else if (tg_text_equal(key->default_text, "*"))
        tg_buffer_text(buffer, "the name");
    else if (key->default_text[0] == '\0')
        tg_buffer_text(buffer, "none");
    else if (key->type == CONF_TEXT_LIST)
        for (const char *item = key->default_text; *item != '\0';) {
            size_t length = strcspn(item, ",");
            tg_buffer_format(buffer, "%s`%.*s`", item == key->default_text ? "" : ", ", (int)length,
                             item);
            item += length;
            if (*item == ',')
                item++;
        }
    else
        tg_buffer_format(buffer, "`%s`", key->default_text);
}

static void row(struct tg_buffer *buffer, const struct conf_key *key)
{
    tg_buffer_format(buffer, "| `%s` | ", key->path);
    type_cell(buffer, key);
    tg_buffer_text(buffer, " | ");
    default_cell(buffer, key);
    tg_buffer_text(buffer, " | ");
    cell(buffer, key->description);
    tg_buffer_text(buffer, " |\n");
}

void conf_write_markdown(struct tg_buffer *buffer)
{
    size_t rows = 0;
    tg_buffer_text(buffer, head);
    for (size_t s = 0; s < TG_ARRAY_LENGTH(sections); s++) {
        if (sections[s].text != NULL)
            tg_buffer_format(buffer,
                             "\n%s\n| key | type | default | meaning |\n|---|---|---|---|\n",
                             sections[s].text);
        for (size_t i = 0; i < conf_key_count; i++)
            if (is_section_of(&sections[s], conf_keys[i].path)) {
                row(buffer, &conf_keys[i]);
                rows++;
            }
    }
    /* a row that no section takes would be missing from the document */
    TG_BUG_IF(rows != conf_key_count);
}
