/* A Modbus RTU server by libmodbus: unit 7 on the serial port that is its argument, until its input ends or it is killed. */
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>

int main(int count, char **arguments) {
    modbus_t *context = count > 1 ? modbus_new_rtu(arguments[1], 115200, 'N', 8, 1) : NULL;
    modbus_mapping_t *mapping = modbus_mapping_new(1000, 1000, 1000, 1000);
    uint8_t query[MODBUS_RTU_MAX_ADU_LENGTH];
    if (!context || !mapping || modbus_set_slave(context, 7) < 0 || modbus_connect(context) < 0) return 1;
    mapping->tab_registers[10] = 0x41AC; /* 21.5, high word first */
    mapping->tab_input_bits[7] = 1;
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        int length = modbus_receive(context, query);
        if (length > 0) modbus_reply(context, query, length, mapping);
    }
}
