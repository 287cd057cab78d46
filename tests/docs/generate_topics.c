/* docs/TOPICS.md, from the field lists that every record is made of. */
#include "bus/schema.h"
#include "document.h"

#include <triplegain/triplegain.h>

static const char head[] =
    "# Topics\n"
    "\n"
    "<!-- Written by `generate_topics --write` from the field lists of triplegain.h. -->\n"
    "\n"
    "Everything that parts of the program tell one another is a message on a topic. A plugin "
    "publishes\n"
    "the C struct of the topic (`struct tg_<topic>` of `triplegain.h`); between processes and in "
    "files\n"
    "the same record is a JSON object with the same names. A record that does not fit its topic "
    "is\n"
    "refused when it is published, with a sentence that names the field, and reaches nobody.\n"
    "\n"
    "Around the record a message has an `id` (UUID version 7), a `timestamp`, the `source`, a "
    "`priority`,\n"
    "a `correlation_id` that ties the steps of one decision together, and `ttl_seconds`. The host "
    "sets id,\n"
    "time and source; a plugin cannot speak in another's name.\n"
    "\n"
    "| kind | in C | in JSON |\n"
    "|---|---|---|\n"
    "| symbol | `char[24]` | string, as `\"BTC/USDT\"` |\n"
    "| text | `char[n]`, ended by a NUL | string of at most n - 1 bytes of UTF-8 |\n"
    "| JSON | `char[n]`, JSON text | object or array |\n"
    "| decimal | `struct tg_decimal`, units of 10^-8 | string, as `\"43210.55\"` |\n"
    "| real | `double`, finite | number |\n"
    "| whole | `int64_t` | number |\n"
    "| flag | `uint8_t`, 0 or 1 | `true` or `false` |\n"
    "| a name below | `uint8_t`, counted from 0 | string, one of the words |\n"
    "| time | `int64_t`, UTC nanoseconds since 1970 | string, RFC 3339 |\n"
    "| UUID | `struct tg_uuid` | string |\n"
    "\n"
    "Optional fields count where their bit is set: `TG_SET(&record, TA_SIGNALS, rsi)`. A plugin's "
    "own\n"
    "topics are named `x.<plugin>.<name>`; their record is any JSON object.\n"
    "\n"
    "## Names\n"
    "\n"
    "| name | words |\n"
    "|---|---|\n";

static const char *const purposes[TG_TOPIC_COUNT] = {
    [TG_TOPIC_MARKET_DATA] = "Bars, from feeds and from the host, which makes longer ones of them.",
    [TG_TOPIC_TA_SIGNALS] = "What the indicators say about a symbol.",
    [TG_TOPIC_REGIME_UPDATES] = "What kind of market a symbol is in.",
    [TG_TOPIC_SENTIMENT_UPDATES] = "The mood about a symbol.",
    [TG_TOPIC_TRADING_SIGNALS] = "What an agent wants to be done; each makes one decision.",
    [TG_TOPIC_RISK_ALERTS] = "Limits that were hit, and what went wrong.",
    [TG_TOPIC_EXECUTION_EVENTS] = "What became of orders and positions.",
    [TG_TOPIC_PORTFOLIO_UPDATES] = "How the portfolio stands to its target.",
    [TG_TOPIC_SYSTEM_EVENTS] = "Changes of the program's own state.",
    [TG_TOPIC_COORDINATOR_COMMANDS] = "What an operator, or a plugin that may, asks of the host.",
};

static void write_range(struct tg_buffer *buffer, const struct schema_field *field)
{
    bool open_below = field->minimum <= -TG_UNBOUNDED;
    bool open_above = field->maximum >= TG_UNBOUNDED;
    if (open_below && open_above)
        return;
    if (field->minimum > 0 && field->minimum <= TG_POSITIVE && open_above)
        tg_buffer_text(buffer, ", more than 0");
    else if (open_above)
        tg_buffer_format(buffer, ", %.15g or more", field->minimum);
    else
        tg_buffer_format(buffer, ", %.15g to %.15g", field->minimum, field->maximum);
}

static void write_kind(struct tg_buffer *buffer, const struct schema_field *field)
{
    switch (field->kind) {
    case SCHEMA_SYMBOL:
        tg_buffer_text(buffer, "symbol");
        break;
    case SCHEMA_TEXT:
        tg_buffer_format(buffer, "text, n = %u", field->size);
        break;
    case SCHEMA_JSON:
        tg_buffer_format(buffer, "JSON, n = %u", field->size);
        break;
    case SCHEMA_DECIMAL:
        tg_buffer_text(buffer, "decimal");
        write_range(buffer, field);
        break;
    case SCHEMA_REAL:
        tg_buffer_text(buffer, "real");
        write_range(buffer, field);
        break;
    case SCHEMA_WHOLE:
        tg_buffer_text(buffer, "whole");
        write_range(buffer, field);
        break;
    case SCHEMA_FLAG:
        tg_buffer_text(buffer, "flag");
        break;
    case SCHEMA_ENUM:
        tg_buffer_format(buffer, "%s", field->enumeration->name);
        break;
    case SCHEMA_TIME:
        tg_buffer_text(buffer, "time");
        break;
    case SCHEMA_UUID:
        tg_buffer_text(buffer, "UUID");
        break;
    }
}

static void write_topic(struct tg_buffer *buffer, const struct schema *schema)
{
    tg_buffer_format(buffer, "\n## %s\n\n%s\n\n| field | kind | | meaning |\n|---|---|---|---|\n",
                     schema->topic, purposes[schema->number]);
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const struct schema_field *field = &schema->fields[i];
        tg_buffer_format(buffer, "| `%s` | ", field->name);
        write_kind(buffer, field);
        tg_buffer_format(buffer, " | %s | %s |\n", field->required ? "required" : "",
                         field->meaning);
    }
}

#define ENUM_ADDRESS(NAME) &schema_enum_##NAME,

static void write_topics(struct tg_buffer *buffer)
{
    static const struct schema_enum *const enumerations[] = {TG_ENUM_LIST(ENUM_ADDRESS)};
    tg_buffer_text(buffer, head);
    for (size_t i = 0; i < sizeof(enumerations) / sizeof(enumerations[0]); i++) {
        tg_buffer_format(buffer, "| %s | ", enumerations[i]->name);
        for (uint32_t word = 0; word < enumerations[i]->count; word++)
            tg_buffer_format(buffer, "%s`%s`", word > 0 ? ", " : "", enumerations[i]->words[word]);
        tg_buffer_text(buffer, " |\n");
    }
    for (uint16_t topic = TG_TOPIC_NONE + 1; topic < TG_TOPIC_COUNT; topic++)
        write_topic(buffer, schema_of(topic));
}

int main(int argument_count, char **arguments)
{
    return document_main(argument_count, arguments, write_topics);
}
