// SPDX-License-Identifier: GPL-2.0-or-later
"use strict";

// Each image is a View: a range of its addresses, drawn as boxes that are
// elements of the page. They are there without this script, which lets people
// zoom: it changes heights, and hides what is out of the range. The scale is
// the one of package report: boxes in proportion to their size, but never
// lower than can be read, and free space cut short.

const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

// Heights in pixels, as in maphtml.go.
const least = 22;   // of the lowest box
const overTop = 21; // how far below the start of the box under it one lies over it
const headHeight = 22; // of a container's name if it stands above what it holds

function human(n) {
  let i = 0;
  while (n >= 1023.5 && i < units.length - 1) { n /= 1024; i++; }
  const digits = i === 0 || n >= 99.95 ? 0 : n >= 9.995 ? 1 : 2;
  return String(Number(n.toFixed(digits))) + " " + units[i];
}

function hex(n) {
  return n < 0 ? "-0x" + (-n).toString(16) : "0x" + n.toString(16);
}

function percent(box) {
  const size = box.children ? box.space : box.hi - box.lo;
  if (box.used === undefined || !size) return "";
  const share = 100 * box.used / size;
  if (share > 0 && share < 1) return "<1%";
  if (share > 99 && share < 100) return ">99%";
  return share.toFixed(0) + "%";
}

// make makes an element; text is never taken for markup.
function make(tag, className, text) {
  const el = document.createElement(tag);
  if (className) el.className = className;
  if (text !== undefined) el.textContent = text;
  return el;
}

class View {
  constructor(section) {
    const find = (sel) => section.querySelector(sel);
    const data = JSON.parse(find("script.data").textContent);
    this.start = data.start;
    this.root = data.root;
    this.map = find(".map");
    this.view = find(".view");
    this.bar = find(".bar");
    this.crumbs = find(".crumbs");
    this.details = find(".details");
    this.trueScale = find('[data-do="true"]');
    this.narrow = matchMedia("(max-width:820px)");
    this.boxes = [];           // in the order of their numbers
    this.drawn = [];           // boxes on the page, in order
    this.ticks = Array.from(this.map.querySelectorAll(".tick")); // addresses between those of boxes
    this.prepare(this.root, null, 0, Math.max(this.root.hi - this.root.lo, 1), 0, true);
    for (const el of this.map.querySelectorAll(".box")) this.adopt(this.boxes[el.dataset.n], el);
    this.last = find(".end");
    this.lo = 0;
    this.hi = this.root.to;
    this.target = this.root;   // what was zoomed to
    this.current = null;       // what has the focus
    this.bar.hidden = this.details.hidden = false;
    section.classList.add("live");
    this.listen(section);
    this.layout(true);
    this.show(this.root);
  }

  // prepare notes where each box is in the image: what a compressed section
  // holds is spread over its height. Numbers are those that the page has.
  prepare(box, parent, from, to, depth, known) {
    Object.assign(box, { parent, from, to, depth, known });
    this.boxes.push(box);
    const scale = box.space ? (to - from) / box.space : 0;
    const inside = known && (depth === 0 || box.space === box.hi - box.lo);
    for (const c of box.children || []) this.prepare(c, box, from + c.lo * scale, from + c.hi * scale, depth + 1, inside);
    for (const c of box.over || []) this.prepare(c, box, from + c.lo * scale, from + c.hi * scale, depth + 1, inside);
  }

  // adopt makes an element that the page has the one of a box.
  adopt(box, el) {
    box.el = el;
    box.face = el.querySelector(":scope > .face");
    box.at = el.querySelector(":scope > .at:not(.tick)");
    el.setAttribute("role", "treeitem");
    el.setAttribute("aria-level", box.depth || 1);
    if (box.children) el.setAttribute("aria-expanded", "true");
    el.dataset.path = box.path || "";
    el.dataset.kind = box.kind;
    el.tabIndex = -1;
    const kinds = [];
    if (box.type && box.type !== box.name) kinds.push(box.type);
    if (box.compress) kinds.push(box.compress);
    if (box.overlap) kinds.push("overlap");
    kinds.push(...box.notes || []);
    el.setAttribute("aria-label", [box.name, ...kinds, human(box.hi - box.lo), "at " + this.address(box)].join(", "));
  }

  visible(box) {
    if (box.from === box.to) return box.from >= this.lo && box.from <= this.hi;
    return box.to > this.lo && box.from < this.hi;
  }

  part(box) {
    return Math.max(0, Math.min(box.to, this.hi) - Math.max(box.from, this.lo));
  }

  // height returns the height of a box at a scale, noting it as box.h.
  height(box, scale) {
    if (!this.visible(box)) return box.h = 0;
    box.broken = box.enlarged = false;
    if (box.children) {
      let sum = box.depth ? this.head : 0;
      for (const c of box.children) sum += this.height(c, scale);
      return box.h = sum;
    }
    const exact = scale * this.part(box);
    let h = exact;
    if (!this.trueScale.checked) {
      if (box.kind === "free" && h > this.gapLimit) { h = this.gapLimit; box.broken = true; }
      h = Math.max(h, least + (box.overlaid || 0) * least);
      box.enlarged = h > 1.5 * exact && !box.broken;
    }
    return box.h = h;
  }

  layout(still) {
    let room = Math.max(420, window.innerHeight - 200);
    let deepest = 0;
    for (const box of this.boxes) {
      box.overlaid = 0;
      if (box.children && box.depth && this.visible(box)) deepest = Math.max(deepest, box.depth);
    }
    for (const box of this.overlays()) {
      box.under = this.under(box.parent, Math.max(box.from, this.lo));
      box.under.overlaid++;
    }
    // Names stand beside what containers hold if there is room for them.
    const strip = (this.map.clientWidth - 230) / Math.max(deepest, 1);
    const rows = deepest > 0 && !this.trueScale.checked && (this.narrow.matches || strip < 90);
    this.head = rows ? headHeight : 0;
    this.map.className = "map " + (rows ? "rows" : "strips") + (still ? " still" : "");
    this.map.style.setProperty("--deep", Math.max(deepest, 1));

    this.gapLimit = room / 7;
    const linear = room / (this.hi - this.lo);
    let low = 0, high = linear;
    if (!this.trueScale.checked) {
      room = Math.max(room, 1.25 * this.height(this.root, 0));
      high = 8 * room / (this.hi - this.lo);
    }
    if (!this.trueScale.checked && this.height(this.root, high) > room) {
      for (let i = 0; i < 50; i++) {
        const mid = (low + high) / 2;
        if (this.height(this.root, mid) > room) high = mid; else low = mid;
      }
    } else {
      low = high;
    }
    this.scale = low;
    this.height(this.root, low);
    this.draw();
    this.drawTicks();
    this.drawCrumbs();
  }

  // overlays returns the boxes to be seen that lie over others.
  overlays() {
    return this.boxes.filter((b) => b.overlap && b.parent && this.visible(b) && b.el);
  }

  // under returns the box at a position that holds no others.
  under(box, pos) {
    if (!box.children) return box;
    const seen = box.children.filter((c) => this.visible(c));
    return this.under(seen.find((c) => c.to > pos) || seen[seen.length - 1] || box.children[0], pos);
  }

  // y returns where an address is drawn.
  y(box, pos) {
    if (!box.children) {
      const part = this.part(box);
      return part ? box.y + box.h * Math.min(1, Math.max(0, (pos - Math.max(box.from, this.lo)) / part)) : box.y;
    }
    for (const c of box.children) if (this.visible(c) && pos < c.to) return this.y(c, pos);
    return box.y + box.h;
  }

  draw() {
    this.drawn = [];
    let rest = 0; // what has been rounded off, since engines round heights
    const walk = (box, y) => {
      box.y = y;
      const seen = this.visible(box);
      if (box.el) {
        box.el.hidden = !seen;
        if (!seen) return;
        this.drawn.push(box);
      }
      if (!box.children) {
        const h = Math.round((box.h + rest) * 64) / 64;
        rest += box.h - h;
        this.place(box, h);
        return;
      }
      if (box.el) box.el.classList.toggle("tiny", box.h < 17);
      y += box.depth ? this.head : 0;
      for (const c of box.children) { walk(c, y); y += c.h; }
    };
    walk(this.root, 0);
    this.drawAddresses();
    const over = this.overlays();
    for (const box of this.boxes) if (box.overlap && box.el) box.el.hidden = !over.includes(box);
    for (const box of this.boxes) if (box.over) this.placeOver(box, over);
    const first = this.drawn.includes(this.current) ? this.current : this.drawn[0];
    for (const box of this.drawn) box.el.tabIndex = box === first ? 0 : -1;
    this.last.textContent = hex(this.start + Math.round(this.hi));
  }

  // place gives the element of a box its height.
  place(box, h) {
    const el = box.el;
    if (!el) return;
    el.style.setProperty("--h", h + "px");
    el.classList.toggle("tiny", h < 17);
    el.classList.toggle("sliver", h < 3);
    el.classList.toggle("cut", !!box.broken);
    el.classList.toggle("off", !!box.enlarged);
    const from = Math.max(box.from, this.lo), to = Math.min(box.to, this.hi);
    if (box.hi <= box.lo) return;
    // How much of the part that is seen is filled: all, if nothing is known.
    const used = box.used !== undefined ? box.used : box.kind === "entry" ? box.hi - box.lo : 0;
    const filled = box.from + (box.to - box.from) * used / (box.hi - box.lo);
    const share = Math.min(1, Math.max(0, (filled - from) / (to - from || 1)));
    box.face.style.setProperty("--f", 100 * share + "%");
  }

  // drawAddresses writes where boxes start beside them, as far as there is
  // room. Those that are high enough for a name come first.
  drawAddresses() {
    const named = (box) => box.children ? this.head > 0 : box.h >= 17;
    const taken = [this.root.h]; // heights, in order; at the end stands the last address
    for (const tiny of [false, true]) {
      let i = 0, last = "";
      for (const box of this.drawn) {
        const again = box.children && !this.head;
        if (named(box) === tiny && !again) continue;
        while (i < taken.length && taken[i] < box.y) i++;
        const text = box.from >= this.lo ? this.label(box) : hex(this.start + Math.round(this.lo));
        const room = (i === 0 || box.y - taken[i - 1] >= 14) && taken[i] - box.y >= 14;
        box.at.hidden = !room || again || text === last;
        if (box.at.hidden) continue;
        box.at.textContent = last = text;
        taken.splice(i, 0, box.y);
      }
    }
  }

  // placeOver places what lies over others in a box, each in the element of
  // the box under it.
  placeOver(parent, visible) {
    let free = -Infinity;
    const list = parent.over.filter((c) => visible.includes(c));
    list.forEach((c, i) => {
      const end = parent.y + parent.h - (list.length - i) * least;
      const top = Math.max(c.under.y, Math.min(Math.max(this.y(parent, Math.max(c.from, this.lo)), c.under.y + overTop, free), end));
      c.y = top;
      c.h = Math.max(this.y(parent, Math.min(c.to, this.hi)) - top, least);
      free = top + c.h;
      if (c.el.parentNode !== c.under.face) c.under.face.append(c.el);
      c.el.style.setProperty("--y", top - c.under.y - 2 + "px");
      c.el.style.setProperty("--h", c.h + "px");
      this.drawn.splice(this.drawn.indexOf(c.under) + c.under.face.querySelectorAll(".over:not([hidden])").length, 0, c);
    });
  }

  // label is the address that stands beside a box, or its offset in what is
  // decompressed. The first in a compressed section has the section's.
  label(box) {
    let b = box;
    while (!b.known && b.lo === 0 && b.parent) b = b.parent;
    if (b.known) return hex(this.start + Math.round(b.from));
    let pos = 0;
    for (b = box; !b.known; b = b.parent) {
      pos += b.lo;
      if (b.parent.space !== b.parent.hi - b.parent.lo) break;
    }
    return "+" + hex(pos);
  }

  address(box) {
    if (box.imagePos !== undefined) return hex(box.imagePos);
    if (box.known) return hex(this.start + Math.round(box.from));
    return "offset " + hex(box.offset !== undefined ? box.offset : box.lo);
  }

  // drawTicks adds round addresses in boxes that are high enough for them.
  drawTicks() {
    for (const el of this.ticks) el.remove();
    this.ticks = [];
    let step = 1;
    while (step * this.scale < 64) step *= 2;
    for (const box of this.drawn) {
      if (box.children || box.overlap || !box.known || box.broken || box.enlarged || box.h < 64) continue;
      const from = Math.max(box.from, this.lo), to = Math.min(box.to, this.hi);
      for (let pos = Math.ceil((from + this.start) / step) * step - this.start; pos < to; pos += step) {
        const y = (pos - from) / (to - from) * box.h;
        if (y < 20 || box.h - y < 20) continue;
        const el = make("i", "at tick", hex(this.start + Math.round(pos)));
        el.style.marginTop = y + "px";
        box.el.prepend(el);
        this.ticks.push(el);
      }
    }
  }

  drawCrumbs() {
    const path = [];
    for (let b = this.target; b; b = b.parent) path.unshift(b);
    this.crumbs.replaceChildren();
    const exact = this.target.from === this.lo && this.target.to === this.hi;
    path.forEach((box, i) => {
      if (i > 0) this.crumbs.append("›");
      const button = make("button", "", i ? box.name : "Whole image");
      button.type = "button";
      if (box === this.target && exact) button.setAttribute("aria-current", "true");
      button.addEventListener("click", () => this.zoomTo(box));
      this.crumbs.append(button);
    });
    const text = hex(this.start + Math.round(this.lo)) + " – " + hex(this.start + Math.round(this.hi)) + " · " + human(this.hi - this.lo);
    this.crumbs.append(make("span", "range", text));
  }

  show(box) {
    if (this.shown === box) return;
    this.shown = box;
    const list = make("dl");
    const add = (name, text, code) => {
      if (text === undefined || text === "") return;
      const dd = make("dd");
      dd.append(code ? make("code", "", text) : text);
      list.append(make("dt", "", name), dd);
    };
    const number = (n) => n === undefined ? "" : hex(n) + " (" + n.toLocaleString("en") + ")";
    add("Type", box.type);
    add("Path", box.path, true);
    add("Offset", number(box.offset), true);
    add("Image-pos", number(box.imagePos), true);
    if (box.known && (box.imagePos === undefined || box.imagePos !== this.start + Math.round(box.from)) && box !== this.root) {
      add("Position", number(this.start + Math.round(box.from)), true);
    }
    add("Size", number(box.size), true);
    add("", box.size === undefined ? "" : human(box.size));
    if (box.known) add("Last byte", box.to > box.from ? hex(this.start + Math.round(box.to) - 1) : "", true);
    add("Compression", box.compress);
    add("Uncompressed", number(box.uncompSize), true);
    add("Entries", box.holds ? String(box.holds) : "");
    if (box.used !== undefined) add("Used", percent(box) + ", " + human(box.used) + " " + box.usedBy);
    if (box.overlap) add("Note", "lies over other entries");
    for (const n of box.notes || []) add("Note", n);
    if (box.enlarged) add("Note", "drawn larger than to scale");
    if (box.broken) add("Note", "drawn smaller than to scale");
    const panel = this.details.lastElementChild;
    panel.replaceChildren(make("h2", "", box.name));
    const size = box.children ? box.space : box.hi - box.lo;
    if (box.used !== undefined && size) {
      const meter = make("div", "meter " + box.class), bar = make("i");
      bar.style.width = 100 * box.used / size + "%";
      meter.append(bar);
      panel.append(meter);
    }
    panel.append(list);
  }

  zoomTo(box) {
    this.target = box;
    this.current = box.el ? box : null;
    let from = box.from, to = box.to;
    if (to - from < 1) { from -= 8; to += 8; }
    this.setRange(from, to);
    if (box.el) box.el.focus({ preventScroll: true });
  }

  setRange(lo, hi, still) {
    const size = Math.min(Math.max(hi - lo, Math.min(16, this.root.to)), this.root.to);
    lo = Math.max(0, Math.min(lo, this.root.to - size));
    this.lo = lo;
    this.hi = lo + size;
    while (this.target.parent && (this.target.from > this.lo || this.target.to < this.hi)) this.target = this.target.parent;
    this.layout(still);
    // What is shown now starts at the top, unless something in it was chosen.
    const top = this.view.getBoundingClientRect().top - this.bar.offsetHeight;
    if (top >= 0) return;
    const chosen = this.current && this.current !== this.target && this.drawn.includes(this.current);
    if (chosen) this.current.el.scrollIntoView({ block: "nearest" });
    else window.scrollBy(0, top);
  }

  // zoom changes the range by a factor, keeping an address where it is.
  zoom(factor, at) {
    if (at === undefined) {
      const c = this.current;
      at = c && this.visible(c) && c !== this.root ? (Math.max(c.from, this.lo) + Math.min(c.to, this.hi)) / 2 : (this.lo + this.hi) / 2;
    }
    this.setRange(at - (at - this.lo) * factor, at + (this.hi - at) * factor, true);
  }

  zoomOut() {
    const exact = this.target.from === this.lo && this.target.to === this.hi;
    this.zoomTo(exact && this.target.parent ? this.target.parent : this.target);
  }

  // at returns the address drawn at a height of the map.
  at(y) {
    const find = (box) => {
      if (!box.children) return Math.max(box.from, this.lo) + this.part(box) * (box.h ? Math.max(0, y - box.y) / box.h : 0);
      let last = null;
      for (const c of box.children) {
        if (!this.visible(c) || !c.h) continue;
        if (y < c.y + c.h) return find(c);
        last = c;
      }
      return last ? Math.min(last.to, this.hi) : this.lo;
    };
    return Math.max(this.lo, Math.min(this.hi, find(this.root)));
  }

  focus(box) {
    if (!box || !box.el) return;
    if (this.current && this.current.el) this.current.el.tabIndex = -1;
    box.el.tabIndex = 0;
    box.el.focus();
  }

  // key does what a key asks for, and says whether it did.
  key(name) {
    const i = this.drawn.indexOf(this.current);
    const here = this.drawn[i];
    const sibling = (step) => {
      for (let j = i + step; here && j >= 0 && j < this.drawn.length; j += step) {
        if (this.drawn[j].depth <= here.depth) return this.drawn[j];
      }
      return here;
    };
    switch (name) {
    case "ArrowDown": this.focus(here ? sibling(1) : this.drawn[0]); break;
    case "ArrowUp": this.focus(here ? sibling(-1) : this.drawn[0]); break;
    case "ArrowRight": this.focus(here && this.drawn.find((b) => b.parent === here)); break;
    case "ArrowLeft": this.focus(here && here.parent); break;
    case "Home": this.focus(this.drawn[0]); break;
    case "End": this.focus(this.drawn[this.drawn.length - 1]); break;
    case "Enter": case " ": if (here) this.zoomTo(here); break;
    case "Escape": case "Backspace": this.zoomOut(); break;
    case "+": case "=": this.zoom(0.5); break;
    case "-": this.zoom(2); break;
    case "0": this.zoomTo(this.root); break;
    case "s": this.trueScale.click(); break;
    default: return false;
    }
    return true;
  }

  listen(section) {
    // The box that an event is about.
    const boxOf = (ev) => {
      const el = ev.target.closest && ev.target.closest(".box");
      return el ? this.boxes[el.dataset.n] : null;
    };
    section.addEventListener("click", (ev) => {
      switch (ev.target.dataset && ev.target.dataset.do) {
      case "in": this.zoom(0.5); break;
      case "out": this.zoom(2); break;
      case "all": this.zoomTo(this.root); break;
      case "close": this.details.classList.remove("chosen"); break;
      }
    });
    this.map.addEventListener("click", (ev) => {
      const box = boxOf(ev);
      if (!box || this.moved) return;
      this.zoomTo(box);
      this.details.classList.add("chosen");
    });
    this.map.addEventListener("pointerover", (ev) => { const box = boxOf(ev); if (box) this.show(box); });
    this.map.addEventListener("focusin", (ev) => {
      const box = boxOf(ev);
      if (!box) return;
      this.current = box;
      this.show(box);
    });
    this.trueScale.addEventListener("change", () => this.layout());
    this.map.addEventListener("keydown", (ev) => {
      if (ev.ctrlKey || ev.metaKey || ev.altKey) return;
      if (this.key(ev.key)) ev.preventDefault();
    });
    this.map.addEventListener("wheel", (ev) => {
      if (!ev.ctrlKey && !ev.metaKey) return;
      ev.preventDefault();
      this.zoom(Math.exp(Math.max(-1, Math.min(1, ev.deltaY / 200))), this.at(ev.clientY - this.map.getBoundingClientRect().top));
    }, { passive: false });
    let from = null;
    this.map.addEventListener("pointerdown", (ev) => {
      this.moved = false;
      if (ev.button === 0 && ev.pointerType === "mouse") from = { y: ev.clientY, lo: this.lo, scale: (this.hi - this.lo) / this.map.clientHeight };
    });
    window.addEventListener("pointermove", (ev) => {
      if (!from || Math.abs(ev.clientY - from.y) < 5 && !this.moved) return;
      this.moved = true;
      this.map.classList.add("drag");
      const lo = from.lo - (ev.clientY - from.y) * from.scale;
      this.setRange(lo, lo + this.hi - this.lo, true);
    });
    window.addEventListener("pointerup", () => { from = null; this.map.classList.remove("drag"); });
    window.addEventListener("resize", () => this.layout(true));
  }
}

window.views = Array.from(document.querySelectorAll("section.image"), (s) => new View(s));
for (const el of document.querySelectorAll(".help")) el.hidden = false;
