include $(sort $(wildcard $(BR2_EXTERNAL_BINMAN_PATH)/package/*/*.mk))
