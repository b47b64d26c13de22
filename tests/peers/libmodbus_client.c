/* A client on libmodbus, for comparison.
 *
 *     libmodbus_client HOST PORT UNIT OPERATION...
 *
 * Operations, all on one connection, and one line of output each:
 *
 *     read-coils:ADDRESS:COUNT      read-discrete:ADDRESS:COUNT
 *     read-holding:ADDRESS:COUNT    read-input:ADDRESS:COUNT
 *     write-coil:ADDRESS:VALUE      write-coils:ADDRESS:VALUE,VALUE...
 *     write-register:ADDRESS:VALUE  write-registers:ADDRESS:VALUE,VALUE...
 *     mask:ADDRESS:AND:OR           read-write:ADDRESS:COUNT:ADDRESS:VALUE,VALUE...
 *     server-id
 *
 * The line is "ok VALUE...", "exception CODE" or "error TEXT". Ends with 0 if every operation was
 * answered, with whatever; with 1 if one was not, and 2 if the command line is wrong.
 */
#include <errno.h>
#include <modbus/modbus.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 2000 };

static int number(const char *text)
{
    char *end;
    long value = strtol(text, &end, 0);
    if (*text == '\0' || *end != '\0' || value < 0 || value > 65535) {
        fprintf(stderr, "not a number 0..65535: %s\n", text);
        exit(2);
    }
    return (int)value;
}

/* Splits in place; a missing part is a mistake of the caller. */
static char *part(char **rest)
{
    char *found = strsep(rest, ":");
    if (found == NULL) {
        fprintf(stderr, "an operation ends too early\n");
        exit(2);
    }
    return found;
}

static int list(char *text, uint16_t *values)
{
    int count = 0;
    for (char *one = strsep(&text, ","); one != NULL; one = strsep(&text, ",")) {
        if (count == MOST)
            exit(2);
        values[count++] = (uint16_t)number(one);
    }
    return count;
}

/* Prints what came of it; 0 if there was an answer. */
static int report(int result, const uint16_t *words, const uint8_t *bytes, int count)
{
    if (result < 0) {
        int code = errno - MODBUS_ENOBASE;
        if (code >= 1 && code <= 11) {
            printf("exception %d\n", code);
            return 0;
        }
        printf("error %s\n", modbus_strerror(errno));
        return 1;
    }
    printf("ok");
    for (int i = 0; i < count; i++)
        printf(" %d", words != NULL ? words[i] : bytes[i]);
    printf("\n");
    return 0;
}

static int operate(modbus_t *link, char *operation)
{
    static uint16_t words[MOST], out[MOST];
    static uint8_t bits[MOST];
    char *rest = operation;
    const char *name = part(&rest);
    if (strcmp(name, "server-id") == 0) {
        int got = modbus_report_slave_id(link, MOST, bits);
        return report(got, NULL, bits, got);
    }
    int address = number(part(&rest));
    char *second = part(&rest);
    if (strncmp(name, "read-", 5) == 0 && strcmp(name, "read-write") != 0) {
        int count = number(second);
        if (count > MOST)
            exit(2);
        if (strcmp(name, "read-coils") == 0)
            return report(modbus_read_bits(link, address, count, bits), NULL, bits, count);
        if (strcmp(name, "read-discrete") == 0)
            return report(modbus_read_input_bits(link, address, count, bits), NULL, bits, count);
        if (strcmp(name, "read-holding") == 0)
            return report(modbus_read_registers(link, address, count, words), words, NULL, count);
        if (strcmp(name, "read-input") == 0)
            return report(modbus_read_input_registers(link, address, count, words), words, NULL, count);
    }
    if (strcmp(name, "write-coil") == 0)
        return report(modbus_write_bit(link, address, number(second)), NULL, NULL, 0);
    if (strcmp(name, "write-register") == 0)
        return report(modbus_write_register(link, address, (uint16_t)number(second)), NULL, NULL, 0);
    if (strcmp(name, "write-coils") == 0) {
        int count = list(second, words);
        for (int i = 0; i < count; i++)
            bits[i] = words[i] != 0;
        return report(modbus_write_bits(link, address, count, bits), NULL, NULL, 0);
    }
    if (strcmp(name, "write-registers") == 0) {
        int count = list(second, words);
        return report(modbus_write_registers(link, address, count, words), NULL, NULL, 0);
    }
    if (strcmp(name, "mask") == 0) {
        uint16_t and_mask = (uint16_t)number(second), or_mask = (uint16_t)number(part(&rest));
        return report(modbus_mask_write_register(link, address, and_mask, or_mask), NULL, NULL, 0);
    }
    if (strcmp(name, "read-write") == 0) {
        int count = number(second), to = number(part(&rest)), written = list(part(&rest), words);
        int result = modbus_write_and_read_registers(link, to, written, words, address, count, out);
        return report(result, out, NULL, count);
    }
    fprintf(stderr, "not an operation: %s\n", name);
    exit(2);
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: %s HOST PORT UNIT OPERATION...\n", argv[0]);
        return 2;
    }
    modbus_t *link = modbus_new_tcp(argv[1], number(argv[2]));
    if (link == NULL)
        return 2;
    modbus_set_slave(link, number(argv[3]));
    modbus_set_response_timeout(link, 10, 0);
    if (modbus_connect(link) < 0) {
        printf("error %s\n", modbus_strerror(errno));
        return 1;
    }
    int unanswered = 0;
    for (int i = 4; i < argc; i++) {
        unanswered |= operate(link, argv[i]);
        fflush(stdout);
    }
    modbus_close(link);
    modbus_free(link);
    return unanswered;
}
