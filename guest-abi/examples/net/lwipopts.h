/* SPDX-License-Identifier: MIT */
/*
 * lwIP for the net example: IPv4 with ARP, ICMP and TCP by its raw interface; no threads, no
 * sockets. Sizes are for a guest of a few MiB.
 */
#ifndef EXAMPLES_NET_LWIPOPTS_H
#define EXAMPLES_NET_LWIPOPTS_H

#define NO_SYS                                1
#define SYS_LIGHTWEIGHT_PROT                  0 /* one thread, and no handler calls into lwIP */
#define LWIP_NETCONN                          0
#define LWIP_SOCKET                           0
#define LWIP_UDP                              0
#define LWIP_RAW                              0
#define LWIP_DHCP                             0
#define LWIP_AUTOIP                           0
#define LWIP_IGMP                             0
#define LWIP_DNS                              0
#define LWIP_IPV6                             0
#define LWIP_STATS                            0
#define LWIP_NETIF_HOSTNAME                   0
#define LWIP_ICMP                             1
#define LWIP_ARP                              1
#define LWIP_SINGLE_NETIF                     1
#define ETH_PAD_SIZE                          0

#define MEM_ALIGNMENT                         8
#define MEM_SIZE                              (256 * 1024)
#define PBUF_POOL_SIZE                        256
#define TCP_MSS                               1460
#define TCP_WND                               (16 * TCP_MSS)
#define TCP_SND_BUF                           (16 * TCP_MSS)
#define TCP_SND_QUEUELEN                      64
#define MEMP_NUM_TCP_SEG                      256
#define MEMP_NUM_TCP_PCB                      32
#define TCP_LISTEN_BACKLOG                    1

/* the driver completes checksums that a backend left blank, so all are looked at */
#define CHECKSUM_CHECK_IP                     1
#define CHECKSUM_CHECK_TCP                    1
#define CHECKSUM_CHECK_ICMP                   1

#define LWIP_DONT_PROVIDE_BYTEORDER_FUNCTIONS 0

#endif
