// @ts-check
// The page's first module: draws a picture of the first view at once, and then loads the rest of
// the page, whose map library takes longer to start.

import { drawFirstPicture } from "./first-picture.js";
import { complain, noticeList } from "./notices.js";

await drawFirstPicture();
import("./viewer.js").catch((problem) => {
  document.body.append(noticeList);
  complain("start", problem);
});
