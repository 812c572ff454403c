export { dayMs, isZone } from './local-time.ts';
export {
  describeWindows,
  horizonDays,
  isOpen,
  readWindows,
  weekdays,
  windowsNow,
  type UpdateWindows,
  type WindowsNow,
} from './windows.ts';
