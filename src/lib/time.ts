/** What the text of a time must be, for errors. */
export const TIME_EXPECTED = "must be an existing time with its zone, like 2024-05-01T08:30:00+08:00";

const TIME = /^(\d{4}-\d\d-\d\d)T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

/** Whether a text is an existing time of RFC 3339. A Date takes 24:00 as a time of the next day. */
export function isTime(text: string): boolean {
  const [, day] = TIME.exec(text) ?? [];
  return day !== undefined && isDay(day);
}

/** Whether a day in the form 2024-05-01 exists. A Date takes 30 February as a day of March. */
export function isDay(text: string): boolean {
  const [, year, month, day] = /^(\d{4})-(0[1-9]|1[0-2])-([0-2]\d|3[01])$/.exec(text) ?? [];
  return year !== undefined && Number(day) > 0 && Number(day) <= daysIn(Number(year), Number(month));
}

function daysIn(year: number, month: number): number {
  if (month === 2) {
    return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  }
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}
