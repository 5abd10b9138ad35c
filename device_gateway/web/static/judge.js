// What one reading tells, by the sheet that the server made of this person's plan. Pure.
// There is no clinical number here: every one stands in the sheet. It mirrors domain/advice.py, and
// a test holds them together. What cannot be judged is never called good.
"use strict";

const judge = (() => {
  const WORRY = { green: 0, amber: 1, red: 2 };
  const worst = (levels) => levels.reduce((a, b) => (a === null || WORRY[b] > WORRY[a] ? b : a), null);
  const stepOf = (steps, value) => steps.find(([top]) => top === null || value <= top)[1];

  // Not knowing about oxygen takes the worse side, and doubts what depends on it.
  const place = (sheet, vital, value, values, doubts) => {
    const rule = sheet.vitals[vital];
    const litres = values.supplemental_oxygen;
    const onOxygen = litres === undefined ? sheet.home_oxygen : litres > 0;
    const steps = onOxygen === false ? rule.on_air : rule.on_oxygen;
    if (!steps) { doubts.push(vital); return null; }
    const level = stepOf(steps, value);
    if (onOxygen === null && !(rule.on_air && stepOf(rule.on_air, value) === level)) doubts.push(vital);
    return level;
  };

  const swapped = (sheet, values, numbers, doubts) => {
    const { spo2, pulse_rate: pulse } = values, rule = sheet.vitals.spo2;
    if (spo2 === undefined || pulse === undefined || !rule || !sheet.swap) return false;
    const [low, high] = rule.believable;
    if (spo2 <= high) return spo2 <= sheet.swap.spo2 && sheet.swap.pulse <= pulse && pulse <= high;
    if (!rule.judged || pulse < low || pulse > high) return false;
    const level = place(sheet, "spo2", pulse, values, doubts);
    if (level && level !== "green") numbers.push(level);
    return true;
  };

  // No repeat can tell more: an earlier reading of this phone said the same, long enough ago.
  const settled = (sheet, level, earlier, at) => {
    const { gap_s, second_red_s } = sheet.repeat;
    const ago = (one) => (at - Date.parse(one.measured_at)) / 1000;
    if (level === "red") {
      return earlier.some((one) => one.judged.numbers === "red" && gap_s <= ago(one) && ago(one) <= second_red_s);
    }
    let since = null;
    for (const one of earlier) {
      if (["amber", "red"].includes(one.judged.numbers)) since ??= one;
      else if (one.judged.reassuring) since = null;
    }
    return since !== null && ago(since) >= gap_s;
  };

  // `said`: {values: {vital: number}, answers: {question: [codes]}, words, call_me}; `earlier`: what
  // waits on this phone, oldest first; `at`: when it was measured, in ms.
  return (sheet, said, earlier, at) => {
    const { values } = said, doubts = [], numbers = [], symptoms = [];
    for (const [vital, value] of Object.entries(values)) {
      const rule = sheet.vitals[vital];
      if (!rule) continue;
      const [low, high] = rule.believable;
      if (value < low || value > high) doubts.push(vital);
      if (!rule.judged || value > high) continue;
      const level = place(sheet, vital, value, values, doubts);
      if (level) numbers.push(level);
    }
    const swap = swapped(sheet, values, numbers, doubts) ? ["swap.ask"] : [];
    for (const [id, codes] of Object.entries(said.answers)) {
      const question = sheet.questions[id];
      for (const code of codes) {
        const level = question?.answers[code];
        if (level === undefined) doubts.push(id);
        else if (level) symptoms.push(level);
      }
    }
    const answered = Object.keys(said.answers).length || Object.values(said.words).some((it) => it.trim());
    const complete = sheet.fills ? sheet.fills in values : Boolean(answered);
    const reassuring = complete && !doubts.length && !swap.length && !sheet.more;
    const numbersLevel = worst(numbers), level = worst([...numbers, ...symptoms]);
    const red = worst(symptoms) === "red";
    let ids;
    if (red) ids = ["advice.red_flag", ...swap];
    else if (level === "red") ids = settled(sheet, level, earlier, at) ? ["advice.red", ...swap] : [...swap, "repeat.red"];
    else if (level === "amber") {
      const known = worst(symptoms) === level || settled(sheet, level, earlier, at);
      ids = [...swap, known ? "advice.amber" : "repeat.amber"];
    } else if (level === "green" && reassuring) ids = ["advice.green"];
    else if (swap.length) ids = swap;
    else if (doubts.length || !(Object.keys(values).length || answered || said.call_me)) ids = ["advice.unknown"];
    else ids = ["safety_net"];
    const key = ids.join(" ");
    return { key, level: sheet.outcomes[key] ?? null, numbers: numbersLevel, reassuring: reassuring && !["amber", "red"].includes(numbersLevel) };
  };
})();

// Numbers as people type them, by the same rules as contract/typed.py where it can be read; null
// where it cannot. What is not certain is asked for again: this reads less than the server does.
const readNumber = (text, vital) => {
  const zeros = [0x30, 0x660, 0x6f0, 0x966, 0x9e6, 0xa66, 0xae6];
  const plain = [...text.normalize("NFKC")].map((c) => {
    const code = c.codePointAt(0), zero = zeros.find((z) => code >= z && code < z + 10);
    return zero === undefined ? c : String(code - zero);
  }).join("").replace(/[\u066b,]/g, ".").replace(/\u066a/g, "%").trim().toLowerCase();
  const unit = { spo2: / ?%$/, pulse_rate: / ?bpm$/, temperature: / ?°? ?c$/, weight: / ?kg$/ }[vital];
  const bare = unit ? plain.replace(unit, "") : plain;
  if (!/^[0-9]+(\.[0-9]{1,2})?$/.test(bare) || bare.length > 30) return null;
  const value = Number(bare);
  return vital === "spo2" && value > 100 ? null : value;
};
