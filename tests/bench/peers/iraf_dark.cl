images
immatch
imcombine ("@frames.lis", "iraf_dark.fits", combine="average", reject="sigclip", lsigma=3., hsigma=3., nkeep=1, outtype="real", mclip=no, sigscale=0.1, scale="none", zero="none", weight="none", logfile="")
logout
