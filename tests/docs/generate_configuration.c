/* docs/CONFIGURATION.md, from the key table of the configuration. */
#include "conf/conf.h"
#include "document.h"

int main(int argument_count, char **arguments)
{
    return document_main(argument_count, arguments, conf_write_markdown);
}
