# The processor's DDR and MIO settings do not matter here: the PYNQ image has set them before a bitstream is loaded.
set ps [create_bd_cell -type ip -vlnv xilinx.com:ip:processing_system7 ps]
apply_bd_automation -rule xilinx.com:bd_rule:processing_system7 -config {make_external "FIXED_IO, DDR"} $ps
set settings [list CONFIG.PCW_USE_M_AXI_GP0 1 CONFIG.PCW_FPGA0_PERIPHERAL_FREQMHZ $mhz]
for {set k 0} {$k < $port_count} {incr k} {
    lappend settings CONFIG.PCW_USE_S_AXI_HP$k 1 CONFIG.PCW_S_AXI_HP${k}_DATA_WIDTH $memory_bits
    lappend memory_ports ps/S_AXI_HP$k
    lappend clocked ps/S_AXI_HP${k}_ACLK
}
set_property -dict $settings $ps
set control_port ps/M_AXI_GP0
lappend clocked ps/M_AXI_GP0_ACLK
set clock ps/FCLK_CLK0
set reset ps/FCLK_RESET0_N
