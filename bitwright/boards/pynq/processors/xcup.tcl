# Vivado's file of the board, where it is installed, tells the processor's clocks and DDR. Without it they are the IP's
# own; the PYNQ image has set the DDR before a bitstream is loaded, but look at the clock that the driver finds then.
set preset 0
set found [get_board_parts -quiet -latest_file_version ${board_part}:*]
if {$board_part ne "" && [llength $found]} {
    set_property board_part [lindex $found 0] [current_project]
    set preset 1
}
set ps [create_bd_cell -type ip -vlnv xilinx.com:ip:zynq_ultra_ps_e ps]
apply_bd_automation -rule xilinx.com:bd_rule:zynq_ultra_ps_e -config [list apply_board_preset $preset] $ps
set settings [list \
    CONFIG.PSU__USE__M_AXI_GP0 1 CONFIG.PSU__MAXIGP0__DATA_WIDTH 32 \
    CONFIG.PSU__USE__M_AXI_GP1 0 CONFIG.PSU__USE__M_AXI_GP2 0 \
    CONFIG.PSU__FPGA_PL0_ENABLE 1 CONFIG.PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ $mhz]
for {set k 0} {$k < $port_count} {incr k} {   ;# the ports HP0 to HP3 are the slaves GP2 to GP5
    set gp [expr {$k + 2}]
    lappend settings CONFIG.PSU__USE__S_AXI_GP$gp 1 CONFIG.PSU__SAXIGP${gp}__DATA_WIDTH $memory_bits
    lappend memory_ports ps/S_AXI_HP${k}_FPD
    lappend clocked ps/saxihp${k}_fpd_aclk
}
set_property -dict $settings $ps
set control_port ps/M_AXI_HPM0_FPD
lappend clocked ps/maxihpm0_fpd_aclk
set clock ps/pl_clk0
set reset ps/pl_resetn0
