/* A Modbus TCP server by libmodbus: one client, 1,000 entries a table, until the client leaves. Prints its port. */
#include <modbus.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void) {
    modbus_t *context = modbus_new_tcp("127.0.0.1", 0);
    modbus_mapping_t *mapping = modbus_mapping_new(1000, 1000, 1000, 1000);
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    int listener = modbus_tcp_listen(context, 1);
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    if (!context || !mapping || listener < 0 || getsockname(listener, (struct sockaddr *)&address, &size)) return 1;
    mapping->tab_registers[10] = 0x41AC; /* 21.5, high word first */
    mapping->tab_input_registers[21] = 0xC050; /* -3.25, low word first */
    mapping->tab_input_bits[7] = 1;
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    if (modbus_tcp_accept(context, &listener) < 0) return 1;
    for (;;) {
        int length = modbus_receive(context, query);
        if (length < 0) break;
        modbus_reply(context, query, length, mapping);
    }
    close(listener);
    modbus_mapping_free(mapping);
    modbus_close(context);
    modbus_free(context);
    return 0;
}
