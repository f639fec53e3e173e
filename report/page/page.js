// SPDX-License-Identifier: GPL-2.0-or-later
"use strict";

// Each image is a View: a range of its addresses, drawn as boxes that are
// elements of the page. The scale is the one of package report: boxes in
// proportion to their size, but never lower than can be seen, and free space
// cut short.

const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

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
    this.axis = find(".axis");
    this.view = find(".view");
    this.crumbs = find(".crumbs");
    this.details = find(".details");
    this.trueScale = find('[data-do="true"]');
    this.elements = new Map(); // box to element
    this.drawn = [];           // boxes on the page, in order
    this.prepare(this.root, null, 0, Math.max(this.root.hi - this.root.lo, 1), 0, true);
    this.lo = 0;
    this.hi = this.root.to;
    this.target = this.root;   // what was zoomed to
    this.current = null;       // what has the focus
    find(".tools").hidden = false;
    find(".stage").hidden = false;
    this.listen(section);
    this.layout(true);
    this.show(this.root);
  }

  // prepare notes where each box is in the image: what a compressed section
  // holds is spread over its height.
  prepare(box, parent, from, to, depth, known) {
    Object.assign(box, { parent, from, to, depth, known });
    const scale = box.space ? (to - from) / box.space : 0;
    const inside = known && (depth === 0 || box.space === box.hi - box.lo);
    for (const c of box.children || []) this.prepare(c, box, from + c.lo * scale, from + c.hi * scale, depth + 1, inside);
    for (const c of box.over || []) this.prepare(c, box, from + c.lo * scale, from + c.hi * scale, depth + 1, inside);
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
      let sum = 0;
      for (const c of box.children) sum += this.height(c, scale);
      return box.h = sum;
    }
    const exact = scale * this.part(box);
    let h = exact;
    if (!this.trueScale.checked) {
      if (box.kind === "free" && h > this.gapLimit) { h = this.gapLimit; box.broken = true; }
      const least = this.least + (box.overlaid || 0) * this.least;
      h = Math.max(h, least);
      box.enlarged = h > 1.5 * exact && !box.broken;
    }
    return box.h = h;
  }

  layout(still) {
    const room = this.view.clientHeight - 18;
    let count = 0;
    const leaves = (box) => {
      if (!this.visible(box)) return;
      if (box.children) box.children.forEach(leaves);
      else { count++; box.overlaid = 0; }
    };
    leaves(this.root);
    for (const box of this.allOver(this.root)) {
      const under = (box.parent.children || []).find((c) => c.to > box.from && !c.children);
      if (under) under.overlaid = (under.overlaid || 0) + 1;
    }
    this.least = Math.min(20, 0.7 * room / Math.max(count, 1));
    if (this.least > 12) this.least = Math.max(this.least, 18);
    this.gapLimit = room / 7;
    const linear = room / (this.hi - this.lo);
    let low = 0, high = this.trueScale.checked ? linear : 8 * linear;
    if (!this.trueScale.checked && this.height(this.root, high) > room) {
      for (let i = 0; i < 50; i++) {
        const mid = (low + high) / 2;
        if (this.height(this.root, mid) > room) high = mid; else low = mid;
      }
    } else {
      low = high;
    }
    this.scale = low;
    const total = this.height(this.root, low);
    this.map.classList.toggle("still", !!still);
    this.draw(total);
    this.drawAxis(total);
    this.drawCrumbs();
  }

  * allOver(box) {
    if (!this.visible(box)) return;
    for (const c of box.over || []) if (this.visible(c)) yield c;
    for (const c of box.children || []) yield* this.allOver(c);
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

  draw(total) {
    const width = this.map.clientWidth;
    let deepest = 0;
    const depth = (box) => {
      if (!box.children || !this.visible(box)) return;
      deepest = Math.max(deepest, box.depth);
      box.children.forEach(depth);
    };
    depth(this.root);
    const strip = Math.max(24, Math.min(140, (width - 230) / Math.max(deepest, 1)));
    this.drawn = [];
    const keep = new Set();
    const put = (box, x0, x1, last) => {
      // Boxes lower than a pixel are drawn once for each pixel.
      if (box.h < 1 && Math.floor(box.y) === last.y && box !== this.current) return;
      last.y = Math.floor(box.y + box.h);
      keep.add(box);
      this.drawn.push(box);
      this.place(box, x0, x1, strip);
    };
    const walk = (box, y, x0, x1) => {
      box.y = y;
      const last = { y: -1 };
      for (const c of box.children) {
        if (!this.visible(c)) continue;
        c.y = y;
        put(c, x0, x1, last);
        if (c.children) walk(c, y, Math.min(x0 + strip, x1 - 20), x1 - 3);
        y += c.h;
      }
      let free = box.y;
      for (const c of box.over || []) {
        if (!this.visible(c)) continue;
        const top = Math.max(this.y(box, c.from), free);
        c.h = Math.max(this.y(box, c.to) - top, Math.min(this.least, 20));
        c.y = Math.max(box.y, Math.min(top, box.y + box.h - c.h));
        free = c.y + c.h;
        const from = x0 + (x1 - x0) * 0.42;
        keep.add(c);
        this.drawn.push(c);
        this.place(c, from, Math.max(from + 40, x1 - 110), strip);
      }
    };
    if (this.root.children) {
      walk(this.root, 8, 0, width);
    } else {
      this.root.y = 8;
      put(this.root, 0, width, { y: -1 });
    }
    for (const [box, el] of this.elements) {
      if (!keep.has(box)) { el.remove(); this.elements.delete(box); }
    }
    // The order on the page is that of reading: containers lie below what
    // they hold. Elements that stay keep their order, so none of them moves.
    let next = this.map.firstChild;
    for (const box of this.drawn) {
      const el = this.elements.get(box);
      if (el === next) next = next.nextSibling; else this.map.insertBefore(el, next);
    }
    this.map.style.height = this.axis.style.height = total + 18 + "px";
    const has = this.current && keep.has(this.current);
    for (const box of this.drawn) {
      this.elements.get(box).tabIndex = box === (has ? this.current : this.drawn[0]) ? 0 : -1;
    }
  }

  // place puts the element of a box where it belongs.
  place(box, x0, x1, strip) {
    let el = this.elements.get(box);
    if (!el) {
      el = this.element(box);
      this.elements.set(box, el);
    }
    const top = box.y + (box.h > 3 ? 1 : 0), height = Math.max(box.h - (box.h > 3 ? 2 : 0), 1);
    el.style.left = x0 + "px";
    el.style.width = x1 - x0 + "px";
    el.style.top = top + "px";
    el.style.height = height + "px";
    el.classList.toggle("tiny", height < 13);
    el.classList.toggle("sliver", height < 2);
    el.classList.toggle("cut", !!box.broken);
    if (box.children) {
      el.firstChild.style.width = strip + "px";
      el.firstChild.style.maxHeight = Math.max(1, Math.floor((height - 1) / 17)) * 17 + "px"; // whole lines
    } else if (box.hi > box.lo) {
      // How much of the part that is seen is filled: all, if nothing is known.
      const used = box.used !== undefined ? box.used : box.kind === "entry" ? box.hi - box.lo : 0;
      const filled = box.from + (box.to - box.from) * used / (box.hi - box.lo);
      const from = Math.max(box.from, this.lo), to = Math.min(box.to, this.hi);
      const share = Math.min(1, Math.max(0, (filled - from) / (to - from || 1)));
      el.firstChild.style.height = 100 * share + "%";
    }
  }

  element(box) {
    const el = make("div", "box " + box.class + (box.overlap ? " over" : "") + (box.children ? " holder" : ""));
    el.setAttribute("role", "treeitem");
    el.setAttribute("aria-level", box.depth);
    if (box.children) el.setAttribute("aria-expanded", "true");
    el.dataset.path = box.path || "";
    el.dataset.kind = box.kind;
    el.tabIndex = -1;
    const label = make("span");
    label.append(make("b", "", box.name));
    const kinds = [];
    if (box.type && box.type !== box.name) kinds.push(box.type);
    if (box.compress) kinds.push(box.compress);
    if (box.overlap) kinds.push("overlap");
    kinds.push(...box.notes || []);
    if (box.children) {
      for (const k of [...kinds, human(box.hi - box.lo), percent(box) && percent(box) + " used"]) if (k) label.append(make("em", "", k));
    } else {
      el.append(make("i"));
      if (kinds.length) label.append(make("em", "", kinds.join(", ")));
      label.append(make("u", "", human(box.hi - box.lo)));
    }
    el.append(label);
    el.setAttribute("aria-label", [box.name, ...kinds, human(box.hi - box.lo), "at " + this.address(box)].join(", "));
    el.addEventListener("pointerenter", () => this.show(box));
    el.addEventListener("focus", () => { this.current = box; this.show(box); });
    el.addEventListener("click", () => { if (!this.moved) this.zoomTo(box); });
    return el;
  }

  address(box) {
    if (box.imagePos !== undefined) return hex(box.imagePos);
    if (box.known) return hex(this.start + Math.round(box.from));
    return "offset " + hex(box.offset !== undefined ? box.offset : box.lo);
  }

  drawAxis(total) {
    this.axis.replaceChildren();
    const line = (box) => {
      if (!this.visible(box)) return;
      if (box.children && (box.depth === 0 || box.space === box.hi - box.lo)) { box.children.forEach(line); return; }
      const cls = box.broken ? "cut" : box.enlarged ? "off" : "";
      const last = this.axis.lastChild;
      if (last && last.className === cls) {
        last.style.height = box.y + box.h - parseFloat(last.style.top) + "px";
        return;
      }
      const i = make("i", cls);
      i.style.top = box.y + "px";
      i.style.height = box.h + "px";
      this.axis.append(i);
    };
    line(this.root);
    const mark = (pos, y) => {
      const el = make("span", "", hex(this.start + Math.round(pos)));
      el.style.top = y + "px";
      this.axis.append(el);
    };
    const end = total + 8;
    mark(this.lo, 8);
    let step = 1;
    while (step * this.scale < 44) step *= 2;
    let last = 8;
    const ticks = (box) => {
      if (!this.visible(box)) return;
      if (box.children && (box.depth === 0 || box.space === box.hi - box.lo)) { box.children.forEach(ticks); return; }
      if (box.broken || box.enlarged) return;
      const from = Math.max(box.from, this.lo), to = Math.min(box.to, this.hi);
      for (let pos = Math.ceil((from + this.start) / step) * step - this.start; pos < to; pos += step) {
        const y = this.y(box, pos);
        if (y - last < 24 || end - y < 24) continue;
        mark(pos, y);
        last = y;
      }
    };
    ticks(this.root);
    mark(this.hi, end);
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
    if (box.kind !== "entry" && box.known && box.imagePos === undefined) add("Position", number(this.start + Math.round(box.from)), true);
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
    this.details.replaceChildren(make("h2", "", box.name));
    const size = box.children ? box.space : box.hi - box.lo;
    if (box.used !== undefined && size) {
      const meter = make("div", "meter " + box.class), bar = make("i");
      bar.style.width = 100 * box.used / size + "%";
      meter.append(bar);
      this.details.append(meter);
    }
    this.details.append(list);
  }

  zoomTo(box) {
    this.target = box;
    this.current = box;
    let from = box.from, to = box.to;
    if (to - from < 1) { from -= 8; to += 8; }
    this.setRange(from, to);
    const el = this.elements.get(box);
    if (el) el.focus({ preventScroll: true });
  }

  setRange(lo, hi, still) {
    const size = Math.min(Math.max(hi - lo, Math.min(16, this.root.to)), this.root.to);
    lo = Math.max(0, Math.min(lo, this.root.to - size));
    this.lo = lo;
    this.hi = lo + size;
    while (this.target.parent && (this.target.from > this.lo || this.target.to < this.hi)) this.target = this.target.parent;
    this.view.scrollTop = 0;
    this.layout(still);
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
      if (!box.children) return Math.max(box.from, this.lo) + this.part(box) * (box.h ? (y - box.y) / box.h : 0);
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
    const el = box && this.elements.get(box);
    if (!el) return;
    const before = this.current && this.elements.get(this.current);
    if (before) before.tabIndex = -1;
    el.tabIndex = 0;
    el.focus();
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
    section.addEventListener("click", (ev) => {
      switch (ev.target.dataset && ev.target.dataset.do) {
      case "in": this.zoom(0.5); break;
      case "out": this.zoom(2); break;
      case "all": this.zoomTo(this.root); break;
      }
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
    new ResizeObserver(() => this.layout(true)).observe(this.view);
  }
}

window.views = Array.from(document.querySelectorAll("section.image"), (s) => new View(s));
