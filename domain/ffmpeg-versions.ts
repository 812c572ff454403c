/** Versions of ffmpeg that clips are coded with: `-fps_mode` exists since 5.1, and 5.1.9, 7.0.2 and 9.0.2 were tried. */
export const ffmpegVersions = { from: '5.1.0', testedTo: '9.0.2', below: '10.0.0' } as const;

/**
 * The version in what `ffmpeg -version` prints, as `major.minor.patch`; undefined for a build that names none.
 *
 * ffmpegVersion('ffmpeg version n9.0.2-17-g2a571b6068 Copyright …') → '9.0.2'; of '5.1.9-0+deb12u1' '5.1.9'; of '8.0' '8.0.0'
 */
export function ffmpegVersion(printed: string): string | undefined {
  const [, majorMinor, patch] = /^ffmpeg version n?(\d{1,4}\.\d{1,4})(?:\.(\d{1,4}))?(?=[-+~\s]|$)/.exec(printed) ?? [];
  return majorMinor === undefined ? undefined : `${majorMinor}.${patch ?? '0'}`;
}
