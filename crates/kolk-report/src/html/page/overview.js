// The whole run in a strip: how much happened when, which faults were open, where the anomalies are,
// and which part the drawings below show.
import { Drawing, GUTTER, theme } from "./canvas.js";

const OVERVIEW_HEIGHT = 46;
const STRIP_BIN_WIDTH = 3;

export class Overview extends Drawing {
  height() {
    return OVERVIEW_HEIGHT;
  }

  /// The run has become more.
  renew() {
    this.counted = null;
  }

  // The axis is that of the whole run, whatever the others show.
  x(place) {
    const [from, to] = this.state.whole();
    return GUTTER + ((place - from) / (to - from)) * this.plotWidth;
  }

  placeAt(x) {
    const [from, to] = this.state.whole();
    return from + ((x - GUTTER) / this.plotWidth) * (to - from);
  }

  paint(pen) {
    const { state, run } = this;
    this.label("whole run", OVERVIEW_HEIGHT / 2, theme.soft);
    for (const fault of run.faults) this.band(fault, 2, OVERVIEW_HEIGHT - 2);
    const counts = this.counts();
    const most = Math.max(...counts, 1);
    pen.fillStyle = theme.faint;
    counts.forEach((count, bin) => {
      if (count === 0) return;
      const height = Math.max(1, (count / most) * (OVERVIEW_HEIGHT - 10));
      pen.fillRect(
        GUTTER + bin * STRIP_BIN_WIDTH,
        OVERVIEW_HEIGHT - 3 - height,
        STRIP_BIN_WIDTH - 1,
        height,
      );
    });
    this.evidence(pen);
    const [left, right] = [
      Math.max(this.x(state.from), GUTTER),
      Math.min(this.x(state.to), this.width - 8),
    ];
    pen.fillStyle = theme.select;
    pen.fillRect(left, 1, Math.max(right - left, 2), OVERVIEW_HEIGHT - 2);
    pen.strokeStyle = theme.accent;
    pen.lineWidth = 1.5;
    pen.strokeRect(left, 1, Math.max(right - left, 2), OVERVIEW_HEIGHT - 2);
    this.cursors(OVERVIEW_HEIGHT);
  }

  /// The operations that prove an anomaly, as marks along the top.
  evidence(pen) {
    const { operations } = this.run;
    pen.fillStyle = theme.bad;
    for (const anomaly of this.run.anomalies) {
      for (const index of anomaly.operations ?? []) {
        const place = operations.byIndex.get(index);
        if (place === undefined) continue;
        const at = this.state.isOrdinal ? operations.order[place] : operations.invoked[place];
        const x = this.x(at);
        pen.beginPath();
        pen.moveTo(x - 4, 1);
        pen.lineTo(x + 4, 1);
        pen.lineTo(x, 8);
        pen.fill();
      }
    }
  }

  /// Messages sent, by bin.
  counts() {
    const bins = Math.max(1, Math.floor(this.plotWidth / STRIP_BIN_WIDTH));
    const key = `${bins} ${this.state.isOrdinal}`;
    if (this.counted?.key === key) return this.counted.counts;
    const counts = new Array(bins).fill(0);
    const { messages } = this.run;
    const starts = this.state.isOrdinal ? messages.order : messages.sent;
    const [from, to] = this.state.whole();
    const scale = bins / (to - from);
    for (let i = 0; i < messages.count; i++)
      counts[Math.min(bins - 1, Math.floor((starts[i] - from) * scale))]++;
    this.counted = { key, counts };
    return counts;
  }

  /** @param {PointerEvent} event @param {[number, number]} at */
  press(event, [x, y]) {
    super.press(event, [x, y]);
    const at = this.placeAt(x);
    const isInside = at >= this.state.from && at <= this.state.to && !this.state.isWhole();
    this.grip = { at, isInside, from: this.state.from, to: this.state.to };
  }

  /// Dragging the window moves it; dragging beside it makes a new one.
  /** @param {[number, number]} at @param {PointerEvent} event */
  move([x, y], event) {
    const { state, drag, grip } = this;
    if (!drag || event.buttons !== 1) {
      super.move([x, y], event);
      return;
    }
    drag.isMoved ||= Math.abs(x - drag.x) > 3;
    if (!drag.isMoved) return;
    const at = this.placeAt(x);
    if (grip.isInside) state.show(grip.from + at - grip.at, grip.to + at - grip.at);
    else state.show(Math.min(at, grip.at), Math.max(at, grip.at));
  }

  /** @param {PointerEvent} _event @param {[number, number]} at */
  release(_event, [x]) {
    const isClick = this.drag && !this.drag.isMoved;
    this.drag = null;
    if (!isClick || x < GUTTER) return;
    const half = (this.state.to - this.state.from) / 2;
    const at = this.placeAt(x);
    this.state.cursor = { place: at };
    if (!this.state.isWhole()) this.state.show(at - half, at + half);
    this.state.changed("cursor");
  }
}
