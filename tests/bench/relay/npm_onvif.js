// What the npm-based ONVIF proxies are made of: per camera an HTTP server with device and media service, each from its
// WSDL by the npm `soap` server. Arguments: number of cameras, folder of the WSDLs. Prints a line when all are up.
"use strict";
const http = require("http");
const fs = require("fs");
const path = require("path");
const soap = require("soap");

const [count, folder] = process.argv.slice(2);
const kinds = [
  ["/onvif/device_service", "devicemgmt.wsdl", "DeviceService", "DevicePort"],
  ["/onvif/media_service", "media.wsdl", "MediaService", "MediaPort"],
];
let up = 0;
for (let camera = 0; camera < Number(count); camera++) {
  const server = http.createServer((request, response) => response.writeHead(404).end());
  server.listen(0, "127.0.0.1", () => {
    for (const [place, file, service, port] of kinds) {
      const uri = path.join(folder, file);
      soap.listen(server, {
        path: place,
        services: { [service]: { [port]: {} } },
        xml: fs.readFileSync(uri, "utf8"),
        uri,
        forceSoap12Headers: true,
        callback: () => {
          if (++up === kinds.length * Number(count)) console.log("up");
        },
      });
    }
  });
}
