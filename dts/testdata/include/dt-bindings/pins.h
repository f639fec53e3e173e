/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PINS_H
#define PINS_H

#ifndef __ASSEMBLY__
typedef int not_devicetree;
#endif

#define PORT_A		0
#define PORT_B		1	// second port
#define PIN(port, n)	(((port) << 5) | (n))

#endif /* PINS_H */
